//! Tests of sealed secrets: the RFC's own vector, and that one opens only where it belongs, once.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::envelope::Envelope;
use super::*;
use crate::error::{ErrorCode, Result};
use crate::secret::Secret;

const BINDING: Binding<'static> = Binding { workspace: "ws_1", field: "apiKey", request: "req_1" };

fn recipient() -> Recipient {
    Recipient::generate(DEFAULT_MAX_AGE).expect("random")
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_123)
}

fn sealed_for(recipient: &Recipient, binding: &Binding<'_>) -> String {
    seal(&Secret::copy_of(b"sk-made-up-key"), &recipient.public_key(), binding, now()).expect("sealed")
}

/// The text that the whole of what does not open shares.
fn the_one_refusal(result: Result<Opened>) {
    let error = result.expect_err("it must not open");
    assert_eq!(error.code(), ErrorCode::UnsealFailed);
    let one = recipient().open(b"", &BINDING, now()).expect_err("empty").to_string();
    assert_eq!(error.to_string(), one);
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex").try_into().expect("its length")
}

/// RFC 9180's vectors (github.com/cfrg/draft-irtf-cfrg-hpke, test-vectors.json at 5f503c5): mode 0, kem 0x0020, kdf 0x0001,
/// aead 0x0002, encryptions[0]. The appendix of the RFC itself leaves this suite out.
#[test]
fn the_vector_of_the_rfc_opens() {
    let private_key = hex::<32>("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d");
    let public_key = hex::<32>("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
    let private_key = Secret::copy_of(&private_key);
    let ciphertext = hex::<29>("e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512b");
    let envelope = Envelope {
        enc: hex("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256"),
        issued_at: [0; 8],
        ciphertext: &ciphertext,
        tag: hex("e9931980a41de125a925cdad859d5b7a"),
    };
    let opened = recipient::decrypt(&private_key, &envelope, b"Ode on a Grecian Urn", b"Count-0").expect("opens");
    assert_eq!(opened.expose(), b"Beauty is truth, truth beauty");
    let recipient = Recipient::from_private_key(private_key, DEFAULT_MAX_AGE).expect("a key pair");
    assert_eq!(recipient.public_key().as_bytes(), &public_key);
}

#[test]
fn what_was_sealed_opens_in_its_place_alone() {
    let recipient = recipient();
    let text = sealed_for(&recipient, &BINDING);
    assert!(is_sealed(text.as_bytes()));
    let opened = recipient.open(text.as_bytes(), &BINDING, now()).expect("opens");
    assert_eq!(opened.secret.expose(), b"sk-made-up-key");
    for binding in [
        Binding { workspace: "ws_2", ..BINDING },
        Binding { field: "userEnvKeys.A", ..BINDING },
        Binding { request: "req_2", ..BINDING },
        Binding { workspace: "ws_1a", field: "piKey", ..BINDING },
    ] {
        the_one_refusal(recipient.open(text.as_bytes(), &binding, now()));
    }
    the_one_refusal(self::recipient().open(text.as_bytes(), &BINDING, now()));
}

#[test]
fn a_moved_border_between_parts_is_another_binding() {
    let recipient = recipient();
    let text = sealed_for(&recipient, &Binding { workspace: "ab", field: "c", request: "d" });
    the_one_refusal(recipient.open(text.as_bytes(), &Binding { workspace: "a", field: "bc", request: "d" }, now()));
}

#[test]
fn a_binding_must_say_something() {
    let recipient = recipient();
    let long = "x".repeat(1025);
    for part in ["", "a\0b", long.as_str()] {
        let error = recipient.open(b"", &Binding { request: part, ..BINDING }, now()).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    }
}

#[test]
fn it_opens_again_until_it_was_committed() {
    let recipient = recipient();
    let text = sealed_for(&recipient, &BINDING);
    let first = recipient.open(text.as_bytes(), &BINDING, now()).expect("opens");
    let second = recipient.open(text.as_bytes(), &BINDING, now()).expect("opens again");
    recipient.commit(vec![first.ticket], now()).expect("room");
    let error = recipient.commit(vec![second.ticket], now()).expect_err("the other one was first");
    assert!(error.to_string().contains("used before"), "{error}");
    let error = recipient.open(text.as_bytes(), &BINDING, now()).expect_err("used");
    assert_eq!((error.code(), error.to_string().contains("used before")), (ErrorCode::UnsealFailed, true));
}

#[test]
fn the_window_has_two_ends() {
    let recipient = recipient();
    let text = sealed_for(&recipient, &BINDING);
    let at = |offset: i64| {
        let moved = Duration::from_millis(offset.unsigned_abs());
        let then = if offset < 0 { now() - moved } else { now() + moved };
        recipient.open(text.as_bytes(), &BINDING, then).err().map(|error| error.to_string())
    };
    assert_eq!(at(0), None);
    assert_eq!(at(300_000), None);
    assert!(at(300_001).is_some_and(|text| text.contains("too old")));
    assert_eq!(at(-60_000), None);
    assert!(at(-60_001).is_some_and(|text| text.contains("from the future")));
}

#[test]
fn an_age_is_a_second_to_an_hour() {
    for (age, fits) in [(999, false), (1000, true), (3_600_000, true), (3_600_001, false)] {
        assert_eq!(Recipient::generate(Duration::from_millis(age)).is_ok(), fits, "{age} ms");
    }
}

#[test]
fn the_memory_of_what_was_used_is_bounded_and_forgets_what_is_too_old() {
    let mut replays = replay::Replays::default();
    let ticket = |number: u64, expires| {
        let mut enc = [0; 32];
        enc[..8].copy_from_slice(&number.to_be_bytes());
        Ticket { enc, expires }
    };
    let soon = now() + Duration::from_secs(1);
    for number in 0..65_536 {
        replays.add(vec![ticket(number, soon)], now()).expect("room");
    }
    let error = replays.add(vec![ticket(70_000, soon)], now()).expect_err("full");
    assert!(error.to_string().contains("too many"), "{error}");
    replays.add(vec![ticket(70_000, soon)], now() + Duration::from_secs(2)).expect("forgotten");
    assert!(replays.check(&ticket(1, soon)).is_ok());
}

#[test]
fn a_public_key_is_32_bytes_and_of_no_small_order() {
    let secret = Secret::copy_of(b"x");
    assert!(PublicKey::from_bytes(&[1; 31]).is_err());
    assert!(PublicKey::from_text("not base64url!").is_err());
    let zero = PublicKey::from_bytes(&[0; 32]).expect("32 bytes");
    let error = seal(&secret, &zero, &BINDING, now()).expect_err("a shared secret of zeros");
    assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    let recipient = recipient();
    assert_eq!(PublicKey::from_text(&recipient.public_key().to_text()).ok(), Some(recipient.public_key()));
}

#[test]
fn nothing_and_the_most_can_be_sealed_and_no_more() {
    let recipient = recipient();
    for length in [0, MAX_SECRET_BYTES] {
        let secret = Secret::copy_of(&vec![7; length]);
        let text = seal(&secret, &recipient.public_key(), &BINDING, now()).expect("sealed");
        let opened = recipient.open(text.as_bytes(), &BINDING, now()).expect("opens");
        assert_eq!(opened.secret.expose(), secret.expose());
    }
    let secret = Secret::copy_of(&vec![7; MAX_SECRET_BYTES + 1]);
    assert!(seal(&secret, &recipient.public_key(), &BINDING, now()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_text_does_not_open(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let recipient = recipient();
        let mut text = sealed_for(&recipient, &BINDING).into_bytes();
        let at = at.index(text.len());
        prop_assume!(text[at] != with);
        text[at] = with;
        the_one_refusal(recipient.open(&text, &BINDING, now()));
    }

    #[test]
    fn a_cut_text_does_not_open(length in any::<prop::sample::Index>()) {
        let recipient = recipient();
        let text = sealed_for(&recipient, &BINDING);
        the_one_refusal(recipient.open(&text.as_bytes()[..length.index(text.len())], &BINDING, now()));
    }

    #[test]
    fn any_text_is_refused_without_an_echo(text in prop::collection::vec(any::<u8>(), 0..200)) {
        the_one_refusal(recipient().open(&text, &BINDING, now()));
    }
}

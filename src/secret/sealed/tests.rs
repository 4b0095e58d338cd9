//! Tests of sealing and opening together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorCode};
use crate::secret::{ExposeSecret, Secret};

const KEY: &[u8] = b"sk-ant-api03-made-up";
const BINDING: Binding = Binding { workspace: "workspace-1", field: "apiKey", request: "request-1", owner: None };

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_700_000_000_000)
}

fn recipient() -> Recipient {
    Recipient::generate(DEFAULT_MAX_AGE).expect("random")
}

fn sealed_to(recipient: &Recipient) -> String {
    seal(&Secret::copy_of(KEY), &recipient.public_key(), &BINDING, now()).expect("valid")
}

/// The text of the error, which must have this code.
fn text(result: Result<impl Sized, Error>, code: ErrorCode) -> String {
    let error = result.err().expect("refused");
    assert_eq!(error.code(), code);
    error.to_string()
}

/// The one text of everything that does not open.
fn closed() -> String {
    text(recipient().open(b"", &BINDING, now()), ErrorCode::UnsealFailed)
}

#[test]
fn opens_what_another_implementation_sealed() {
    // Made by the npm package @hpke/core 1.9.0 from the format's description in `mod.rs`.
    let theirs = "provider-env-sealed.v1.5M3kKIEJodKteiHc8m5to4nhTmnrqE3cUT-dcQM_kDIAAAGLz-VoACGWTZaLkhihLco-n0Qlain\
        1oYYqs-aNwiUrEfRGnA";
    let private_key = b"497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
    let private_key = Secret::copy_of(&HEXLOWER.decode(private_key).expect("hex"));
    let recipient = Recipient::from_private_key(private_key, DEFAULT_MAX_AGE).expect("32 bytes");
    let binding = Binding { workspace: "workspace-ü", ..BINDING };
    let opened = recipient.open(theirs.as_bytes(), &binding, now()).expect("the same format");
    assert_eq!(opened.secret.expose_secret(), b"sk-ant-made-up");
}

#[test]
fn a_flipped_bit_in_any_byte_keeps_it_from_opening() {
    let recipient = recipient();
    let sealed = sealed_to(&recipient);
    let expected = closed();
    let is_closed = |changed: &[u8]| {
        assert_eq!(text(recipient.open(changed, &BINDING, now()), ErrorCode::UnsealFailed), expected);
    };
    let (prefix, encoded) = sealed.split_at(23);
    for at in 0..prefix.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] ^= 1 << (at % 8);
        is_closed(&changed);
    }
    let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes()).expect("base64url");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        // In the last byte of `enc`, at 31, this is the bit that X25519 itself ignores.
        changed[at] ^= 1 << (at % 8);
        is_closed(format!("{prefix}{}", BASE64URL_NOPAD.encode(&changed)).as_bytes());
    }
    drop(recipient.open(sealed.as_bytes(), &BINDING, now()).expect("unchanged"));
}

#[test]
fn any_cut_or_addition_keeps_it_from_opening() {
    let recipient = recipient();
    let sealed = sealed_to(&recipient);
    let expected = closed();
    let cuts = (0..sealed.len()).map(|length| sealed[..length].to_owned());
    let more = ["A", "AA", "AAAA", "=", "\n"].map(|end| format!("{sealed}{end}"));
    for changed in cuts.chain(more) {
        let result = recipient.open(changed.as_bytes(), &BINDING, now());
        assert_eq!(text(result, ErrorCode::UnsealFailed), expected, "{changed}");
    }
}

#[test]
fn opens_for_its_own_use_only() {
    let recipient = recipient();
    let sealed = sealed_to(&recipient);
    let expected = closed();
    for binding in [
        Binding { workspace: "workspace-2", ..BINDING },
        Binding { field: "userEnvKeys.X", ..BINDING },
        Binding { field: "apikey", ..BINDING },
        Binding { request: "request-2", ..BINDING },
        Binding { workspace: "workspace-1a", field: "piKey", ..BINDING },
        Binding { workspace: BINDING.request, field: BINDING.field, request: BINDING.workspace, owner: None },
        Binding { owner: Some("server"), ..BINDING },
    ] {
        let result = recipient.open(sealed.as_bytes(), &binding, now());
        assert_eq!(text(result, ErrorCode::UnsealFailed), expected, "{binding:?}");
    }
    let result = self::recipient().open(sealed.as_bytes(), &BINDING, now());
    assert_eq!(text(result, ErrorCode::UnsealFailed), expected, "another recipient");
}

#[test]
fn opens_again_until_it_is_committed() {
    let recipient = recipient();
    let sealed = sealed_to(&recipient);
    drop(recipient.open(sealed.as_bytes(), &BINDING, now()).expect("fresh"));
    let first = recipient.open(sealed.as_bytes(), &BINDING, now()).expect("not committed");
    let second = recipient.open(sealed.as_bytes(), &BINDING, now()).expect("not committed");
    recipient.commit([first.ticket], now()).expect("fresh");

    let used = text(recipient.open(sealed.as_bytes(), &BINDING, now()), ErrorCode::UnsealFailed);
    assert!(used.contains("used before"), "{used}");
    assert_eq!(text(recipient.commit([second.ticket], now()), ErrorCode::UnsealFailed), used);
}

#[test]
fn the_fields_of_a_request_are_committed_together() {
    let recipient = recipient();
    let fields = ["apiKey", "userEnvKeys.A", "userEnvKeys.B"].map(|field| Binding { field, ..BINDING });
    let sealed = fields.map(|binding| {
        seal(&Secret::copy_of(binding.field.as_bytes()), &recipient.public_key(), &binding, now()).expect("valid")
    });
    let open = |index: usize| recipient.open(sealed[index].as_bytes(), &fields[index], now());
    let tickets = [open(0), open(1)].map(|opened| opened.expect("fresh").ticket);
    recipient.commit(tickets, now()).expect("fresh");
    for (index, used) in [(0, true), (1, true), (2, false)] {
        assert_eq!(open(index).is_err(), used, "{index}");
    }
}

#[test]
fn a_ticket_counts_with_the_recipient_that_issued_it() {
    let one = recipient();
    let sealed = sealed_to(&one);
    let opened = one.open(sealed.as_bytes(), &BINDING, now()).expect("fresh");
    assert_eq!(recipient().commit([opened.ticket], now()).map_err(|error| error.code()), Err(ErrorCode::Internal));
}

#[test]
fn time_is_told_only_after_it_opened() {
    let recipient = recipient();
    let sealed = sealed_to(&recipient);
    let elsewhere = Binding { workspace: "workspace-2", ..BINDING };
    for (time, expected) in [
        (now() + DEFAULT_MAX_AGE, None),
        (now() + DEFAULT_MAX_AGE + Duration::from_millis(1), Some("older")),
        (now() - Duration::from_secs(60), None),
        (now() - Duration::from_millis(60_001), Some("clocks")),
    ] {
        let result = recipient.open(sealed.as_bytes(), &BINDING, time);
        match expected {
            Some(word) => assert!(text(result, ErrorCode::UnsealFailed).contains(word), "{word}"),
            None => drop(result.expect("in time")),
        }
        let result = recipient.open(sealed.as_bytes(), &elsewhere, time);
        assert_eq!(text(result, ErrorCode::UnsealFailed), closed());
    }
}

#[test]
fn an_age_is_a_second_to_an_hour() {
    for (age, accepted) in [
        (Duration::from_millis(999), false),
        (MIN_MAX_AGE, true),
        (MAX_MAX_AGE, true),
        (MAX_MAX_AGE + Duration::from_nanos(1), false),
        (Duration::MAX, false),
    ] {
        let result = Recipient::generate(age);
        assert_eq!(
            result.map(drop).map_err(|error| error.code()),
            accepted.then_some(()).ok_or(ErrorCode::InvalidArgValue)
        );
    }
}

#[test]
fn refuses_what_is_no_key() {
    let small_order = HEXLOWER
        .decode(b"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
        .expect("hex: a point of order 8, from cr.yp.to/ecdh.html#validate");
    for public_key in [&[0; 32][..], &[9; 31], &[9; 33], &[], &small_order] {
        let message = text(seal(&Secret::copy_of(KEY), public_key, &BINDING, now()), ErrorCode::InvalidArgValue);
        assert!(message.contains("public key"), "{message}");
    }
    for length in [0, 31, 33] {
        let result = Recipient::from_private_key(Secret::copy_of(&vec![1; length]), DEFAULT_MAX_AGE);
        text(result, ErrorCode::InvalidArgValue);
    }
}

#[test]
fn seals_up_to_its_limit() {
    let recipient = recipient();
    for length in [0, MAX_SECRET_BYTES] {
        let secret = Secret::copy_of(&vec![b'x'; length]);
        let sealed = seal(&secret, &recipient.public_key(), &BINDING, now()).expect("fits");
        let opened = recipient.open(sealed.as_bytes(), &BINDING, now()).expect("genuine");
        assert!(opened.secret.expose_secret() == secret.expose_secret(), "{length}");
    }
    let secret = Secret::copy_of(&vec![b'x'; MAX_SECRET_BYTES + 1]);
    let message = text(seal(&secret, &recipient.public_key(), &BINDING, now()), ErrorCode::InvalidArgValue);
    assert!(message.contains("1048520"), "{message}");
}

#[test]
fn is_told_by_its_prefix() {
    for (text, sealed) in [
        ("provider-env-sealed.v1.", true),
        ("provider-env-sealed.v1.AAAA", true),
        ("provider-env-sealed.v2.AAAA", true),
        ("Provider-env-sealed.v1.AAAA", false),
        ("sk-ant-api03-made-up", false),
        ("", false),
    ] {
        assert_eq!(is_sealed(text.as_bytes()), sealed, "{text}");
    }
}

#[test]
fn nothing_prints_a_secret_or_a_key() {
    let recipient = recipient();
    let opened = recipient.open(sealed_to(&recipient).as_bytes(), &BINDING, now()).expect("fresh");
    assert_eq!(format!("{recipient:?}"), "Recipient { .. }");
    assert_eq!(format!("{opened:?}"), "Opened { secret: Secret(20 bytes), ticket: Ticket { .. } }");
}

#[test]
fn a_recipient_serves_several_threads() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&recipient());
}

fn part() -> impl Strategy<Value = String> {
    "[^\0]{1,40}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn round_trips(
        secret in prop::collection::vec(any::<u8>(), 0..300),
        workspace in part(), field in part(), request in part(),
    ) {
        let recipient = recipient();
        let binding = Binding { workspace: &workspace, field: &field, request: &request, owner: None };
        let one = seal(&Secret::copy_of(&secret), &recipient.public_key(), &binding, now()).expect("valid");
        let two = seal(&Secret::copy_of(&secret), &recipient.public_key(), &binding, now()).expect("valid");
        prop_assert_ne!(&one, &two);
        for sealed in [one, two] {
            prop_assert!(is_sealed(sealed.as_bytes()));
            let opened = recipient.open(sealed.as_bytes(), &binding, now()).expect("genuine");
            prop_assert_eq!(opened.secret.expose_secret(), &*secret);
            recipient.commit([opened.ticket], now()).expect("two texts are two uses");
        }
    }

    #[test]
    fn moved_bytes_between_parts_keep_it_from_opening(joined in "[a-z]{4,9}", cut in 1_usize..4, other in 1_usize..4) {
        prop_assume!(cut != other);
        let recipient = recipient();
        let split = |at: usize| Binding { workspace: &joined[..at], field: &joined[at..], ..BINDING };
        let sealed = seal(&Secret::copy_of(KEY), &recipient.public_key(), &split(cut), now()).expect("valid");
        drop(recipient.open(sealed.as_bytes(), &split(cut), now()).expect("genuine"));
        prop_assert!(recipient.open(sealed.as_bytes(), &split(other), now()).is_err());
    }

    #[test]
    fn no_text_makes_it_panic_or_open(
        encoded in "[A-Za-z0-9_-]{0,200}",
        raw in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let recipient = recipient();
        let expected = closed();
        for forged in [format!("provider-env-sealed.v1.{encoded}").into_bytes(), raw] {
            prop_assert_eq!(text(recipient.open(&forged, &BINDING, now()), ErrorCode::UnsealFailed), expected.clone());
        }
    }
}

//! Tests of the lockbox: it opens rows that Node's crypto created, and only where they belong.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::secret::{ExposeSecret, Secret};

const CONTEXT: Context<'static> =
    Context { tenant: "tenant_1", purpose: "anthropic", extra: Some("live"), name: "api_key", row_version: 7 };

fn master(first: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..32).map(|byte| first + byte).collect();
    MasterKey::from_bytes(&bytes).expect("32 bytes")
}

fn lockbox(allow_legacy: bool) -> Lockbox {
    Lockbox::new(vec![master(0)], allow_legacy).expect("a master key")
}

const IV: &str = "\\x000102030405060708090a0b";

/// Made with Node's `crypto`: master key 00 01 … 1f, the IV above, plaintext `sk-made-up-key`:
///
/// ```js
/// const field = (x) => Buffer.concat([u32be(x.length), x])
/// const info = Buffer.concat(['tenant_1', 'anthropic', 'live'].map(field))
/// const aad = Buffer.concat([field('v3'), info, field('api_key'), field(u64be(7))])
/// const key = hkdfSync('sha256', master, 'webalive-lockbox-v3', info, 32)   // v3
/// const key = hkdfSync('sha256', master, 'webalive-oauth-core-v2', 'tenant_1:anthropic:live', 32)   // v2
/// createCipheriv('aes-256-gcm', key, iv).setAAD(aad)
/// ```
const VECTORS: [(&str, &str, &str); 4] = [
    ("", "\\x3469fb76a481a736f831bae0d490", "\\x5672a4cadc7b443b9dc6f859e9cac35b"),
    ("v1", "\\x3469fb76a481a736f831bae0d490", "\\x5672a4cadc7b443b9dc6f859e9cac35b"),
    ("v2:tenant_1:anthropic:live", "\\x36ae4c29cb5aa35951ff50e9f9b0", "\\x4b3ffe2a5fde75185bb552447e9aef9a"),
    ("v3:16e7a5d1", "\\xd55535a228b09279bcf67f73d457", "\\x8ca79a1c007be840fbc16b041261a959"),
];

fn vector(index: usize) -> Row<'static> {
    let (key_meta, ciphertext, auth_tag) = VECTORS[index];
    Row {
        ciphertext: Column::Hex(ciphertext),
        iv: Column::Hex(IV),
        auth_tag: Column::Hex(auth_tag),
        key_meta: Some(key_meta),
    }
}

fn text_of(result: Result<Secret>) -> String {
    let error = result.expect_err("it must not open");
    assert_eq!(error.code(), ErrorCode::UnsealFailed);
    error.to_string()
}

/// The text that the whole of what does not open shares.
fn the_one_refusal() -> String {
    text_of(lockbox(true).open(&Row { key_meta: Some("v9:"), ..vector(0) }, &CONTEXT))
}

#[test]
fn rows_of_nodes_crypto_open() {
    for (index, (key_meta, ..)) in VECTORS.iter().enumerate() {
        let secret = lockbox(true).open(&vector(index), &CONTEXT).expect("opens");
        assert_eq!(secret.expose_secret(), b"sk-made-up-key", "{key_meta}");
    }
}

#[test]
fn version_1_needs_a_word() {
    for index in [0, 1] {
        assert!(text_of(lockbox(false).open(&vector(index), &CONTEXT)).contains("allowLegacy"));
    }
    assert!(lockbox(false).open(&vector(2), &CONTEXT).is_ok());
}

#[test]
fn a_row_without_key_meta_is_of_version_1_or_none() {
    let without = |index| Row { key_meta: None, ..vector(index) };
    for index in [0, 1] {
        assert_eq!(lockbox(true).open(&without(index), &CONTEXT).expect("opens").expose_secret(), b"sk-made-up-key");
    }
    for index in [2, 3] {
        let refusal = text_of(lockbox(true).open(&without(index), &CONTEXT));
        assert!(refusal.starts_with("The row has no keyMeta, but does not open as version 1"), "{refusal}");
    }
    for index in 0..VECTORS.len() {
        let error = lockbox(false).open(&without(index), &CONTEXT).expect_err("not without the word");
        assert_eq!((error.code(), &*error.details().names), (ErrorCode::InvalidArgValue, &["keyMeta".to_owned()][..]));
        assert!(error.to_string().contains("allowLegacy"), "{error}");
    }
}

#[test]
fn another_context_opens_nothing() {
    let others = [
        (Context { tenant: "tenant_2", ..CONTEXT }, [2, 3].as_slice()),
        (Context { purpose: "openai", ..CONTEXT }, &[2, 3]),
        (Context { extra: None, ..CONTEXT }, &[2, 3]),
        (Context { extra: Some("test"), ..CONTEXT }, &[2, 3]),
        (Context { name: "other_key", ..CONTEXT }, &[3]),
        (Context { row_version: 8, ..CONTEXT }, &[3]),
    ];
    for (context, rows) in others {
        for index in rows {
            assert_eq!(text_of(lockbox(true).open(&vector(*index), &context)), the_one_refusal(), "{context:?}");
        }
    }
}

#[test]
fn a_changed_key_meta_opens_nothing() {
    let metas = [
        "",
        "v1",
        "v2:tenant_1:anthropic:live",
        "v2:tenant_1:anthropic",
        "v3:16e7a5d1",
        "v3:16E7A5D1",
        "v3:",
        "v4:x",
        "V1",
    ];
    for (index, (own, ..)) in VECTORS.into_iter().enumerate() {
        let legacy = |meta: &str| meta.is_empty() || meta == "v1";
        for key_meta in metas.into_iter().filter(|meta| *meta != own && !(legacy(meta) && legacy(own))) {
            let row = Row { key_meta: Some(key_meta), ..vector(index) };
            assert_eq!(text_of(lockbox(true).open(&row, &CONTEXT)), the_one_refusal(), "{own} as {key_meta}");
        }
    }
}

/// `a:b` + `c` and `a` + `b:c` are the same text in version 2.
#[test]
fn a_context_that_reads_in_two_ways_opens_nothing_of_version_2() {
    for (tenant, purpose, extra) in [("tenant_1:anthropic", "live", None), ("tenant_1", "anthropic:live", None)] {
        let context = Context { tenant, purpose, extra, ..CONTEXT };
        assert_eq!(text_of(lockbox(true).open(&vector(2), &context)), the_one_refusal());
    }
    // The third part may have one: the first two end where they end.
    let lockbox = lockbox(false);
    let context = Context { extra: Some("a:b"), ..CONTEXT };
    let row = lockbox.seal(&Secret::copy_of(b"x"), &context).expect("sealed");
    let moved = Context { purpose: "anthropic:a", extra: Some("b"), ..CONTEXT };
    assert!(lockbox.open(&row.as_row(), &context).is_ok());
    assert_eq!(text_of(lockbox.open(&row.as_row(), &moved)), the_one_refusal());
}

#[test]
fn every_bit_of_every_column_counts() {
    let lockbox = lockbox(true);
    let sealed = lockbox.seal(&Secret::copy_of(b"sk-made-up-key"), &CONTEXT).expect("sealed");
    let one = the_one_refusal();
    for bit in 0..(sealed.ciphertext.len() + 12 + 16) * 8 {
        let mut row = sealed.clone();
        let (byte, mask) = (bit / 8, 1 << (bit % 8));
        let length = row.ciphertext.len();
        match byte {
            _ if byte < length => row.ciphertext[byte] ^= mask,
            _ if byte < length + 12 => row.iv[byte - length] ^= mask,
            _ => row.auth_tag[byte - length - 12] ^= mask,
        }
        assert_eq!(text_of(lockbox.open(&row.as_row(), &CONTEXT)), one, "bit {bit}");
    }
}

#[test]
fn an_impossible_shape_is_told() {
    let lockbox = lockbox(true);
    for (row, column, what) in [
        (Row { iv: Column::Bytes(&[0; 11]), ..vector(3) }, "iv", "has 11 bytes, not 12"),
        (Row { auth_tag: Column::Hex("\\x00"), ..vector(3) }, "authTag", "has 1 bytes, not 16"),
        (Row { iv: Column::Hex("000102"), ..vector(3) }, "iv", "does not begin with \\x"),
        (Row { ciphertext: Column::Hex("\\x0g"), ..vector(3) }, "ciphertext", "pairs of hex digits"),
        (Row { ciphertext: Column::Hex("\\x000"), ..vector(3) }, "ciphertext", "pairs of hex digits"),
    ] {
        let error = lockbox.open(&row, &CONTEXT).expect_err("no row");
        assert_eq!(error.code(), ErrorCode::UnsealFailed);
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(error.details().names, [column]);
    }
}

#[test]
fn rows_move_to_version_3_and_to_another_master_key() {
    let both = Lockbox::new(vec![master(100), master(0)], true).expect("two");
    let new = Lockbox::new(vec![master(100)], false).expect("one");
    for index in 0..VECTORS.len() {
        let row = both.reseal(&vector(index), &CONTEXT, &CONTEXT).expect("resealed");
        assert_eq!(row.key_meta, format!("v3:{}", master(100).id()));
        assert_eq!(new.open(&row.as_row(), &CONTEXT).expect("opens").expose_secret(), b"sk-made-up-key");
        assert_eq!(text_of(lockbox(true).open(&row.as_row(), &CONTEXT)), the_one_refusal());
    }
    let next = Context { row_version: 8, ..CONTEXT };
    let row = both.reseal(&vector(3), &CONTEXT, &next).expect("resealed");
    assert!(new.open(&row.as_row(), &CONTEXT).is_err() && new.open(&row.as_row(), &next).is_ok());
}

#[test]
fn two_seals_of_one_secret_differ() {
    let lockbox = lockbox(false);
    let [one, two] = [(), ()].map(|()| lockbox.seal(&Secret::copy_of(b"more than a byte"), &CONTEXT).expect("sealed"));
    assert!(one.iv != two.iv && one.ciphertext != two.ciphertext);
}

#[test]
fn master_keys_are_32_bytes_or_64_digits() {
    let digits = data_encoding::HEXLOWER.encode(master(0).key().expose_secret());
    for text in [digits.clone(), digits.to_uppercase(), format!("{digits}\n"), format!("{digits}\r\n")] {
        assert_eq!(MasterKey::from_bytes(text.as_bytes()).expect("digits").id(), master(0).id());
    }
    for (bytes, what) in [
        ("abc", "3 characters"),
        (&*"g".repeat(64), "not hex digits"),
        ("", "0 characters"),
        (&*"ab".repeat(16), "32 characters"),
        (&*"\0".repeat(32), "only zeros"),
        (&*"0".repeat(64), "only zeros"),
    ] {
        let error = MasterKey::from_bytes(bytes.as_bytes()).expect_err("no key");
        assert_eq!(error.code(), ErrorCode::LockboxKeyInvalid);
        assert!(error.to_string().contains(what), "{error}");
    }
    for masters in [vec![], vec![master(0), master(1), master(0)]] {
        assert_eq!(Lockbox::new(masters, false).expect_err("refused").code(), ErrorCode::LockboxKeyInvalid);
    }
}

#[test]
fn master_keys_from_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, content: &str, mode: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        path
    };
    let digits = data_encoding::HEXLOWER.encode(master(0).key().expose_secret());
    let good = file("good", &format!("{digits}\n"), 0o440);
    assert_eq!(MasterKey::from_file(&good).expect("reads").id(), master(0).id());
    assert_eq!(MasterKey::from_credential(dir.path(), "good").expect("reads").id(), master(0).id());
    for (path, what) in [
        (file("open", &digits, 0o444), "0444, so other users"),
        (file("group", &digits, 0o460), "0460, so other users"),
        (file("empty", "", 0o400), "0 characters"),
        (file("long", &"a".repeat(5000), 0o400), "5000 bytes"),
        (dir.path().join("missing"), "No such file"),
        (dir.path().to_owned(), "not a regular file"),
    ] {
        let error = MasterKey::from_file(&path).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::LockboxKeyInvalid, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(error.details().path.as_deref(), path.to_str());
    }
    for name in ["", ".", "..", "a/b"] {
        assert!(MasterKey::from_credential(dir.path(), name).expect_err("refused").to_string().contains("file name"));
    }
    for directory in ["", "credentials"] {
        let error = MasterKey::from_credential(std::path::Path::new(directory), "good").expect_err("refused");
        assert!(error.to_string().contains("absolute"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens(secret in prop::collection::vec(any::<u8>(), 0..200), tenant in "[^\0]{1,20}", name in "[^\0]{1,20}", row_version: u64) {
        let context = Context { tenant: &tenant, name: &name, row_version, ..CONTEXT };
        let row = lockbox(false).seal(&Secret::copy_of(&secret), &context).expect("sealed");
        let columns = SealedColumns::from(row);
        let opened = lockbox(false).open(&columns.as_row(), &context).expect("opens");
        prop_assert_eq!(opened.expose_secret(), &secret[..]);
    }
}

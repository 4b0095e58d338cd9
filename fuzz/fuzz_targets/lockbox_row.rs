//! Any row and any context to a lockbox: no panic, no echo; a genuine row opens unchanged, for its context, and not
//! otherwise.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provider_env::error::ErrorCode;
use provider_env::secret::lockbox::{Column, Context, Lockbox, MasterKey, Row, SealedRow};
use provider_env::secret::{ExposeSecret, Secret};

const TEXT: &[u8] = b"made-up-key";
const CONTEXT: Context<'static> =
    Context { tenant: "tenant", purpose: "purpose", extra: None, name: "name", row_version: 7 };

static LOCKBOX: LazyLock<Lockbox> =
    LazyLock::new(|| Lockbox::new(vec![MasterKey::from_bytes(&[7; 32]).expect("32 bytes")], true).expect("a key"));
static GENUINE: LazyLock<SealedRow> = LazyLock::new(|| LOCKBOX.seal(&Secret::copy_of(TEXT), &CONTEXT).expect("sealed"));

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    /// Columns as they come, as text or as bytes.
    texts: [&'a str; 3],
    bytes: [&'a [u8]; 3],
    key_meta: Option<&'a str>,
    /// What is changed of the genuine row: a column, a place, bits.
    edits: Vec<(u8, usize, u8)>,
    /// What is changed of its context.
    tenant: Option<&'a str>,
    purpose: Option<&'a str>,
    extra: Option<&'a str>,
    name: Option<&'a str>,
    row_version: Option<u64>,
}

fuzz_target!(|input: Input| {
    let [a, b, c] = input.texts;
    let [x, y, z] = input.bytes;
    let rows = [
        Row { ciphertext: Column::Hex(a), iv: Column::Hex(b), auth_tag: Column::Hex(c), key_meta: input.key_meta },
        Row {
            ciphertext: Column::Bytes(x),
            iv: Column::Bytes(y),
            auth_tag: Column::Bytes(z),
            key_meta: input.key_meta,
        },
    ];
    for row in rows {
        let error = LOCKBOX.open(&row, &CONTEXT).expect_err("nobody sealed this");
        assert_eq!(error.code(), ErrorCode::UnsealFailed);
    }

    let context = Context {
        tenant: input.tenant.unwrap_or(CONTEXT.tenant),
        purpose: input.purpose.unwrap_or(CONTEXT.purpose),
        extra: input.extra,
        name: input.name.unwrap_or(CONTEXT.name),
        row_version: input.row_version.unwrap_or(CONTEXT.row_version),
    };
    let same = (context.tenant, context.purpose, context.extra, context.name, context.row_version)
        == (CONTEXT.tenant, CONTEXT.purpose, CONTEXT.extra, CONTEXT.name, CONTEXT.row_version);
    let mut row = GENUINE.clone();
    for (column, at, bits) in &input.edits {
        let bytes: &mut [u8] = match column % 3 {
            0 => &mut row.ciphertext,
            1 => &mut row.iv,
            _ => &mut row.auth_tag,
        };
        let at = at % bytes.len();
        bytes[at] ^= bits;
    }
    match LOCKBOX.open(&row.as_row(), &context) {
        Ok(secret) => assert!(same && row == *GENUINE && secret.expose_secret() == TEXT),
        Err(error) => {
            assert!(!(same && row == *GENUINE), "{error}");
            assert!(matches!(error.code(), ErrorCode::UnsealFailed | ErrorCode::InvalidArgValue));
        }
    }
});

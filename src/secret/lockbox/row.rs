//! The columns of a row, in the forms that a database uses.

use std::borrow::Cow;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// The largest secret in a row, in bytes.
pub const MAX_SECRET_BYTES: usize = 1024 * 1024;
pub const IV_BYTES: usize = 12;
pub const TAG_BYTES: usize = 16;

/// A `bytea` column, as a driver or as PostgreSQL gives it.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Bytes(&'a [u8]),
    /// As Postgres writes it: `\x` and hex digits.
    Hex(&'a str),
}

/// A row that is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub ciphertext: Column<'a>,
    pub iv: Column<'a>,
    pub auth_tag: Column<'a>,
    /// Which key; none where the column is NULL, as in rows that were written before there was one.
    pub key_meta: Option<&'a str>,
}

/// A new row, for the columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    pub ciphertext: Vec<u8>,
    pub iv: [u8; IV_BYTES],
    pub auth_tag: [u8; TAG_BYTES],
    pub key_meta: String,
}

/// What is in a row, decoded. All of it is public.
#[derive(Debug)]
pub struct Parts<'a> {
    pub ciphertext: Cow<'a, [u8]>,
    pub iv: [u8; IV_BYTES],
    pub auth_tag: [u8; TAG_BYTES],
}

impl<'a> Row<'a> {
    /// Decodes the columns, whatever a driver has made of them.
    ///
    /// # Errors
    /// `UNSEAL_FAILED` for a shape that no row has, which anybody can see.
    pub fn parts(&self) -> Result<Parts<'a>> {
        let ciphertext = self.ciphertext.decode("ciphertext")?;
        if ciphertext.len() > MAX_SECRET_BYTES {
            return Err(impossible("ciphertext", &format!("has more than {MAX_SECRET_BYTES} bytes")));
        }
        Ok(Parts { ciphertext, iv: self.iv.decode_exact("iv")?, auth_tag: self.auth_tag.decode_exact("authTag")? })
    }
}

impl<'a> Column<'a> {
    fn decode(self, name: &str) -> Result<Cow<'a, [u8]>> {
        match self {
            Self::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Hex(text) => {
                let digits = text.strip_prefix("\\x").ok_or_else(|| impossible(name, "does not begin with \\x"))?;
                if digits.len() > 2 * MAX_SECRET_BYTES {
                    return Err(impossible(name, &format!("has more than {MAX_SECRET_BYTES} bytes")));
                }
                let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
                bytes.map(Cow::Owned).map_err(|_| impossible(name, "contains something other than pairs of hex digits"))
            }
        }
    }

    fn decode_exact<const N: usize>(self, name: &str) -> Result<[u8; N]> {
        let bytes = self.decode(name)?;
        bytes.as_ref().try_into().map_err(|_| impossible(name, &format!("has {} bytes, not {N}", bytes.len())))
    }
}

impl SealedRow {
    /// The row as it can be opened.
    #[must_use]
    pub fn as_row(&self) -> Row<'_> {
        Row {
            ciphertext: Column::Bytes(&self.ciphertext),
            iv: Column::Bytes(&self.iv),
            auth_tag: Column::Bytes(&self.auth_tag),
            key_meta: Some(&self.key_meta),
        }
    }
}

/// A newly sealed row, with its columns as text: `bytea` as Postgres reads it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct SealedColumns {
    pub ciphertext: String,
    pub iv: String,
    pub auth_tag: String,
    pub key_meta: String,
}

impl SealedColumns {
    /// The row as it can be opened.
    #[must_use]
    pub fn as_row(&self) -> Row<'_> {
        Row {
            ciphertext: Column::Hex(&self.ciphertext),
            iv: Column::Hex(&self.iv),
            auth_tag: Column::Hex(&self.auth_tag),
            key_meta: Some(&self.key_meta),
        }
    }
}

impl From<SealedRow> for SealedColumns {
    fn from(row: SealedRow) -> Self {
        let hex = |bytes: &[u8]| format!("\\x{}", HEXLOWER.encode(bytes));
        Self {
            ciphertext: hex(&row.ciphertext),
            iv: hex(&row.iv),
            auth_tag: hex(&row.auth_tag),
            key_meta: row.key_meta,
        }
    }
}

fn impossible(column: &str, what: &str) -> Error {
    let message = format!(
        "The row's {column} {what}, so it is not a row of a lockbox. Pass the column as it is \
        stored."
    );
    Error::new(ErrorCode::UnsealFailed, message).name(column)
}

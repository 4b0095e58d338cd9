//! Opening a row: which keys it may have been sealed with, and the one refusal for all that does not open.

use super::row::{Parts, Row};
use super::{Context, Lockbox, MasterKey, cipher, master};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// What version 2's keys are derived with.
const SALT_2: &[u8] = b"webalive-oauth-core-v2";

/// A version of the format: how its `keyMeta` is known, and how it opens. None: not with this lockbox or context.
struct Version {
    is: fn(&str) -> bool,
    open: fn(&Lockbox, &str, &Parts<'_>, &Context<'_>) -> Result<Option<Secret>>,
}

static VERSIONS: &[Version] = &[
    Version { is: |meta| meta.is_empty() || meta == "v1", open: open_1 },
    Version { is: |meta| meta.starts_with("v2:"), open: open_2 },
    Version { is: |meta| meta.starts_with("v3:"), open: open_3 },
];

impl Lockbox {
    /// Opens a row.
    ///
    /// # Errors
    /// `UNSEAL_FAILED`; `ERR_INVALID_ARG_VALUE` for a context that cannot be.
    pub fn open(&self, row: &Row<'_>, context: &Context<'_>) -> Result<Secret> {
        context.check()?;
        let parts = row.parts()?;
        let Some(meta) = row.key_meta else { return self.open_without_meta(&parts, context) };
        let version = VERSIONS.iter().find(|version| (version.is)(meta)).ok_or_else(does_not_open)?;
        (version.open)(self, meta, &parts, context)?.ok_or_else(does_not_open)
    }

    /// A row of version 1, or one whose column was read under another name: such a one opens as no other version, and its
    /// reader is told.
    fn open_without_meta(&self, parts: &Parts<'_>, context: &Context<'_>) -> Result<Secret> {
        let select = "Select key_meta as \"keyMeta\".";
        if !self.allow_legacy {
            let message = format!(
                "row.keyMeta is missing. {select} A row of version 1 has none; it opens with allowLegacy: true alone."
            );
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("keyMeta"));
        }
        open_1(self, "", parts, context)?.ok_or_else(|| {
            let message = format!(
                "The row has no keyMeta, and does not open as version 1, which alone has none. {select} Else its master \
                 key must be among those of this lockbox."
            );
            Error::new(ErrorCode::UnsealFailed, message).name("keyMeta")
        })
    }
}

fn open_1(lockbox: &Lockbox, _: &str, parts: &Parts<'_>, _: &Context<'_>) -> Result<Option<Secret>> {
    if !lockbox.allow_legacy {
        let message = "The row is of version 1, which is bound to no tenant: it opens wherever it was moved to. \
                       Say allowLegacy: true to read it, and reseal() it.";
        return Err(Error::new(ErrorCode::UnsealFailed, message));
    }
    Ok(lockbox.masters.iter().find_map(|master| cipher::decrypt(master.key(), parts, b"")))
}

fn open_2(lockbox: &Lockbox, meta: &str, parts: &Parts<'_>, context: &Context<'_>) -> Result<Option<Secret>> {
    let Some(expected) = context.version_2().filter(|expected| meta.strip_prefix("v2:") == Some(expected)) else {
        return Ok(None);
    };
    try_each(&lockbox.masters, |master| {
        let key = cipher::derive(master.key(), SALT_2, expected.as_bytes())?;
        Ok(cipher::decrypt(&key, parts, b""))
    })
}

fn open_3(lockbox: &Lockbox, meta: &str, parts: &Parts<'_>, context: &Context<'_>) -> Result<Option<Secret>> {
    let named = lockbox.masters.iter().find(|master| meta.strip_prefix("v3:") == Some(master.id()));
    let Some(master) = named else { return Ok(None) };
    let key = cipher::derive(master.key(), master::SALT, &context.info())?;
    Ok(cipher::decrypt(&key, parts, &context.associated_data()))
}

/// The first that a master key opens: rows of version 1 and 2 do not name theirs.
fn try_each(masters: &[MasterKey], open: impl Fn(&MasterKey) -> Result<Option<Secret>>) -> Result<Option<Secret>> {
    for master in masters {
        if let Some(secret) = open(master)? {
            return Ok(Some(secret));
        }
    }
    Ok(None)
}

fn does_not_open() -> Error {
    let message = "The row does not open. Its master key must be among those of this lockbox, and its tenant, purpose, \
                   extra, name and row version must be those of the context, as when it was sealed.";
    Error::new(ErrorCode::UnsealFailed, message)
}

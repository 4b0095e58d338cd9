//! What a stored secret is bound to when it is encrypted: its row.

use crate::error::Result;
use crate::secret::parts::{check_part, push_part};

/// The context of a row: it opens for this one alone.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant whose secret it is.
    pub tenant: &'a str,
    /// What the secret is for, such as `api-key`.
    pub purpose: &'a str,
    /// The third part of version 2's key derivation.
    pub extra: Option<&'a str>,
    /// The name of the row in its table.
    pub name: &'a str,
    /// Its version number in its table.
    pub row_version: u64,
}

impl Context<'_> {
    /// Refuses a context with a part that says nothing.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for an empty or too long part, or a NUL.
    pub fn check(&self) -> Result<()> {
        check_part("tenant", self.tenant)?;
        check_part("purpose", self.purpose)?;
        check_part("name", self.name)?;
        self.extra.map_or(Ok(()), |extra| check_part("extra", extra))
    }

    /// `tenant:purpose[:extra]`, as version 2 has it; none for one that could be read in two ways.
    pub fn version_2(&self) -> Option<String> {
        if self.tenant.contains(':') || self.purpose.contains(':') {
            return None;
        }
        let extra = self.extra.map(|extra| format!(":{extra}")).unwrap_or_default();
        Some(format!("{}:{}{extra}", self.tenant, self.purpose))
    }

    /// The info of version 3's key derivation.
    pub fn info(&self) -> Vec<u8> {
        let mut info = Vec::new();
        self.push_key_parts(&mut info);
        info
    }

    /// The associated data of version 3.
    pub fn associated_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        push_part(&mut data, b"v3");
        self.push_key_parts(&mut data);
        push_part(&mut data, self.name.as_bytes());
        push_part(&mut data, &self.row_version.to_be_bytes());
        data
    }

    fn push_key_parts(&self, target: &mut Vec<u8>) {
        for part in [self.tenant, self.purpose, self.extra.unwrap_or_default()] {
            push_part(target, part.as_bytes());
        }
    }
}

//! `Lockbox` and its master keys.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either};
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::secret::NativeSecret;
use super::state::{self, Slot};
use crate::error::{Error, ErrorCode, Result};
use crate::lockbox::{Column, Context, Lockbox, MasterKey, Row, SealedRow};
use crate::sealed::{self, Binding};
use crate::sys::memory;

/// What a row is expected to be.
#[napi(object, object_to_js = false)]
pub struct NativeContext {
    pub tenant: String,
    pub purpose: String,
    pub extra: Option<String>,
    pub name: String,
    pub row_version: f64,
}

impl NativeContext {
    fn as_context(&self) -> Context<'_> {
        Context {
            tenant: &self.tenant,
            purpose: &self.purpose,
            extra: self.extra.as_deref(),
            name: &self.name,
            // The facade has checked that it is a whole number that JavaScript holds exactly.
            row_version: self.row_version as u64,
        }
    }
}

/// A row: each column as bytes, or as text with `\x` and hex digits.
#[napi(object, object_to_js = false)]
pub struct NativeRow<'a> {
    #[napi(ts_type = "string | Uint8Array")]
    pub ciphertext: Either<String, BufferSlice<'a>>,
    #[napi(ts_type = "string | Uint8Array")]
    pub iv: Either<String, BufferSlice<'a>>,
    #[napi(ts_type = "string | Uint8Array")]
    pub auth_tag: Either<String, BufferSlice<'a>>,
    pub key_meta: String,
}

impl NativeRow<'_> {
    fn as_row(&self) -> Row<'_> {
        Row {
            ciphertext: column(&self.ciphertext),
            iv: column(&self.iv),
            auth_tag: column(&self.auth_tag),
            key_meta: &self.key_meta,
        }
    }
}

fn column<'a>(value: &'a Either<String, BufferSlice<'_>>) -> Column<'a> {
    match value {
        Either::A(text) => Column::Hex(text),
        Either::B(bytes) => Column::Bytes(bytes),
    }
}

/// A row that was just sealed: columns as text.
#[napi(object, object_from_js = false)]
pub struct NativeSealedRow {
    pub ciphertext: String,
    pub iv: String,
    pub auth_tag: String,
    pub key_meta: String,
}

impl From<SealedRow> for NativeSealedRow {
    fn from(row: SealedRow) -> Self {
        let [ciphertext, iv, auth_tag] = row.to_hex();
        Self { ciphertext, iv, auth_tag, key_meta: row.key_meta }
    }
}

/// What a sealed secret is to be bound to.
#[napi(object, object_to_js = false)]
pub struct NativeBinding {
    pub workspace: String,
    pub field: String,
    pub request: String,
}

/// The master keys of a lockbox that is being made.
#[derive(Default)]
#[napi]
pub struct NativeMasterKeys {
    keys: RefCell<Vec<MasterKey>>,
}

#[napi]
impl NativeMasterKeys {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi(catch_unwind)]
    pub fn add_secret(&self, secret: ClassInstance<'_, NativeSecret>) -> napi::Result<()> {
        self.add(secret.secret().and_then(|secret| MasterKey::from_bytes(secret.expose()))).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_file(&self, path: String) -> napi::Result<()> {
        self.add(MasterKey::from_file(Path::new(&path))).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_credential(&self, directory: String, name: String) -> napi::Result<()> {
        self.add(MasterKey::from_credential(Path::new(&directory), &name)).into_napi()
    }

    /// Takes the key out of a variable: its value is wiped where libc keeps it. The facade then unsets the name and
    /// calls `wipeInitialVariable`.
    #[napi(catch_unwind)]
    pub fn take_variable(&self, name: String) -> napi::Result<()> {
        self.take(&name).into_napi()
    }

    /// The lockbox of all of them.
    #[napi(catch_unwind)]
    pub fn lockbox(&self, allow_legacy: bool) -> napi::Result<NativeLockbox> {
        let lockbox = Lockbox::new(self.keys.take(), allow_legacy).into_napi()?;
        let ids = lockbox.master_key_ids().map(str::to_owned).collect();
        Ok(NativeLockbox { slot: state::register(Slot::new(lockbox)), ids })
    }
}

impl NativeMasterKeys {
    fn add(&self, key: Result<MasterKey>) -> Result<()> {
        self.keys.borrow_mut().push(key?);
        Ok(())
    }

    fn take(&self, name: &str) -> Result<()> {
        // Looked at first: a key that could not be wiped is not taken.
        wipe_initial(&[])?;
        let key = memory::with_variable(name, MasterKey::from_bytes).ok_or_else(|| {
            let message = format!("The environment has no {name}, which is to hold the master key.");
            Error::new(ErrorCode::LockboxKeyInvalid, message)
        });
        self.add(key.and_then(|key| key).map_err(|error| error.name(name)))?;
        memory::wipe_value(name);
        Ok(())
    }
}

/// Wipes a variable that was unset from the process's initial environment.
#[napi(catch_unwind)]
pub fn wipe_initial_variable(name: String) -> napi::Result<()> {
    wipe_initial(&[&name]).into_napi()
}

fn wipe_initial(names: &[&str]) -> Result<()> {
    memory::wipe_initial_block(names).map_err(|why| {
        let message = format!("The process's initial environment cannot be wiped: {why}. No key was taken.");
        Error::new(ErrorCode::Unsupported, message)
    })
}

/// A lockbox, held in Rust until it is disposed of.
#[napi]
pub struct NativeLockbox {
    slot: Arc<Slot<Lockbox>>,
    ids: Vec<String>,
}

#[napi]
impl NativeLockbox {
    #[napi(getter, catch_unwind)]
    pub fn master_key_ids(&self) -> Vec<String> {
        self.ids.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    #[napi(catch_unwind)]
    pub fn open(&self, row: NativeRow<'_>, context: NativeContext) -> napi::Result<NativeSecret> {
        let opened = self.get().and_then(|lockbox| lockbox.open(&row.as_row(), &context.as_context()));
        opened.and_then(NativeSecret::new).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn seal(
        &self,
        secret: ClassInstance<'_, NativeSecret>,
        context: NativeContext,
    ) -> napi::Result<NativeSealedRow> {
        let seal = || self.get()?.seal(&*secret.secret()?, &context.as_context());
        Ok(seal().into_napi()?.into())
    }

    #[napi(catch_unwind)]
    pub fn reseal(
        &self,
        row: NativeRow<'_>,
        from: NativeContext,
        to: Option<NativeContext>,
    ) -> napi::Result<NativeSealedRow> {
        let to = to.as_ref().unwrap_or(&from).as_context();
        let resealed = self.get().and_then(|lockbox| lockbox.reseal(&row.as_row(), &from.as_context(), &to));
        Ok(resealed.into_napi()?.into())
    }

    /// Opens a row and seals what it holds for a recipient, whose public key is text or bytes.
    #[napi(catch_unwind)]
    pub fn unseal_for(
        &self,
        row: NativeRow<'_>,
        context: NativeContext,
        #[napi(ts_arg_type = "string | Uint8Array")] public_key: Either<String, BufferSlice<'_>>,
        binding: NativeBinding,
    ) -> napi::Result<String> {
        let unseal = || {
            // Text that is no base64url is not 32 bytes either: it is refused as such.
            let public_key: Cow<'_, [u8]> = match &public_key {
                Either::A(text) => BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default().into(),
                Either::B(bytes) => (&**bytes).into(),
            };
            let NativeBinding { workspace, field, request } = &binding;
            let secret = self.get()?.open(&row.as_row(), &context.as_context())?;
            sealed::seal(&secret, &public_key, &Binding { workspace, field, request }, SystemTime::now())
        };
        unseal().into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeLockbox {
    fn get(&self) -> Result<Arc<Lockbox>> {
        self.slot.get().ok_or_else(|| {
            let message = "This Lockbox was disposed of. Make a new one, with its master keys.";
            Error::new(ErrorCode::Disposed, message)
        })
    }
}

impl Drop for NativeLockbox {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

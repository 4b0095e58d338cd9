//! `Lockbox` and its master keys.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either};
use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::IntoNapi;
use crate::node::environment::process_env;
use crate::node::secret::handle::{NativeBinding, NativeSecret, seal_for};
use crate::node::state::{self, Slot};
use crate::secret::lockbox::{Column, Context, Lockbox, MasterKey, Row, SealedRow};
use crate::secret::{ExposeSecret, Secret};
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
    pub key_meta: Option<String>,
}

impl NativeRow<'_> {
    fn as_row(&self) -> Row<'_> {
        Row {
            ciphertext: column(&self.ciphertext),
            iv: column(&self.iv),
            auth_tag: column(&self.auth_tag),
            key_meta: self.key_meta.as_deref(),
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

/// The master keys of a lockbox that is being made, until it is or they are disposed of.
#[napi]
pub struct NativeMasterKeys {
    slot: Arc<Slot<Mutex<Vec<MasterKey>>>>,
}

#[napi]
impl NativeMasterKeys {
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default, reason = "JavaScript makes it")]
    pub fn new() -> Self {
        Self { slot: state::register(Slot::new(Mutex::default())) }
    }

    #[napi(catch_unwind)]
    pub fn add_secret(&self, secret: ClassInstance<'_, NativeSecret>) -> napi::Result<()> {
        self.add(secret.secret().and_then(|secret| MasterKey::from_bytes(secret.expose_secret()))).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_file(&self, path: String) -> napi::Result<()> {
        self.add(MasterKey::from_file(Path::new(&path))).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_credential(&self, directory: String, name: String) -> napi::Result<()> {
        self.add(MasterKey::from_credential(Path::new(&directory), &name)).into_napi()
    }

    /// Copies the key out of a variable that could be wiped. The facade has that done when all else has succeeded.
    #[napi(catch_unwind)]
    pub fn add_variable(&self, name: String) -> napi::Result<()> {
        self.copy_variable(&name).into_napi()
    }

    /// The lockbox of all of them.
    #[napi(catch_unwind)]
    pub fn lockbox(&self, allow_legacy: bool, require_protection: bool) -> napi::Result<NativeLockbox> {
        self.build(allow_legacy, require_protection).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeMasterKeys {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<MasterKey>) -> T) -> Result<T> {
        let keys = self.slot.get().ok_or_else(|| Error::new(ErrorCode::Disposed, "The lockbox was made already."))?;
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut keys))
    }

    fn add(&self, key: Result<MasterKey>) -> Result<()> {
        let key = key?;
        self.with(|keys| keys.push(key))
    }

    fn copy_variable(&self, name: &str) -> Result<()> {
        process_env::can_be_wiped()?;
        let key = memory::with_variable(name, MasterKey::from_digits).ok_or_else(|| {
            let message = format!("The environment has no {name}, which is to hold the master key.");
            Error::new(ErrorCode::LockboxKeyInvalid, message)
        });
        self.add(key.and_then(|key| key).map_err(|error| error.name(name)))
    }

    fn build(&self, allow_legacy: bool, require_protection: bool) -> Result<NativeLockbox> {
        let lockbox = Lockbox::new(self.with(std::mem::take)?, allow_legacy)?;
        if require_protection {
            lockbox.require_protection()?;
        }
        let ids = lockbox.master_key_ids().map(str::to_owned).collect();
        Ok(NativeLockbox { slot: state::register(Slot::new(lockbox)), ids, require_protection })
    }
}

impl Drop for NativeMasterKeys {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

/// A lockbox, held in Rust until it is disposed of.
#[napi]
pub struct NativeLockbox {
    slot: Arc<Slot<Lockbox>>,
    ids: Vec<String>,
    /// For what it opens, too.
    require_protection: bool,
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
        self.open_row(&row, &context).and_then(NativeSecret::new).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn seal(
        &self,
        secret: ClassInstance<'_, NativeSecret>,
        context: NativeContext,
    ) -> napi::Result<NativeSealedRow> {
        let seal = || self.lockbox()?.seal(&*secret.secret()?, &context.as_context());
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
        let resealed = self.lockbox().and_then(|lockbox| lockbox.reseal(&row.as_row(), &from.as_context(), &to));
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
        let opened = self.open_row(&row, &context);
        opened.and_then(|secret| seal_for(&secret, &public_key, &binding)).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeLockbox {
    fn open_row(&self, row: &NativeRow<'_>, context: &NativeContext) -> Result<Secret> {
        let secret = self.lockbox()?.open(&row.as_row(), &context.as_context())?;
        if self.require_protection {
            secret.require_protection()?;
        }
        Ok(secret)
    }

    /// The lockbox, unless it was disposed of.
    ///
    /// # Errors
    /// `DISPOSED`.
    pub fn lockbox(&self) -> Result<Arc<Lockbox>> {
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

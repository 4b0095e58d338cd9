//! `Lockbox` and its master keys. The core borrows what it is given of a row, which napi's derive cannot: so it is restated here.

use std::path::Path;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either, Either3};
use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::environment::process_env;
use crate::node::secret::handle::{NativeSecret, SealRequest};
use crate::node::state::{Disposable, disposable};
use crate::secret::lockbox::{Column, Context, Lockbox, MasterKey, Row, SealedColumns};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::memory;

/// The expected identity of a row.
#[napi(object, object_to_js = false)]
pub struct RowContext {
    pub tenant: String,
    pub purpose: String,
    pub extra: Option<String>,
    pub name: String,
    pub row_version: f64,
}

impl RowContext {
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
pub struct RowColumns<'a> {
    #[napi(ts_type = "string | Uint8Array")]
    pub ciphertext: Either<String, BufferSlice<'a>>,
    #[napi(ts_type = "string | Uint8Array")]
    pub iv: Either<String, BufferSlice<'a>>,
    #[napi(ts_type = "string | Uint8Array")]
    pub auth_tag: Either<String, BufferSlice<'a>>,
    pub key_meta: Option<String>,
}

impl RowColumns<'_> {
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

type MasterKeySource<'env> = Either3<ClassInstance<'env, NativeSecret>, BufferSlice<'env>, MasterKeyPlace>;

/// The source of a master key.
#[napi(discriminant = "type", object_to_js = false)]
pub enum MasterKeyPlace {
    File {
        path: String,
    },
    /// A file of this name in the directory in which systemd puts a service's credentials.
    Credential {
        directory: String,
        name: String,
    },
    /// The key is copied out of a variable that can be wiped. The facade has that done when there is a lockbox.
    Variable {
        name: String,
    },
}

fn read(source: &MasterKeySource<'_>) -> Result<MasterKey> {
    match source {
        Either3::A(secret) => MasterKey::from_bytes(secret.secret()?.expose_secret()),
        Either3::B(bytes) => MasterKey::from_bytes(bytes),
        Either3::C(MasterKeyPlace::File { path }) => MasterKey::from_file(Path::new(path)),
        Either3::C(MasterKeyPlace::Credential { directory, name }) => {
            MasterKey::from_credential(Path::new(directory), name)
        }
        Either3::C(MasterKeyPlace::Variable { name }) => from_variable(name).map_err(|error| error.name(name)),
    }
}

fn from_variable(name: &str) -> Result<MasterKey> {
    process_env::can_be_wiped()?;
    memory::with_variable(name, MasterKey::from_digits).unwrap_or_else(|| {
        let message = format!("The environment has no variable {name}. Set it to the master key, as 64 hex digits.");
        Err(Error::new(ErrorCode::LockboxKeyInvalid, message))
    })
}

#[napi]
pub struct NativeLockbox {
    held: Disposable<Lockbox>,
    ids: Vec<String>,
    /// For what it opens, too.
    require_protection: bool,
}

/// Creates a lockbox with these master keys.
#[napi(
    catch_unwind,
    ts_args_type = "masterKeys: Array<NativeSecret | Uint8Array | MasterKeyPlace>, allowLegacy: boolean, requireProtection: boolean"
)]
pub fn lockbox_of(
    env: &Env,
    master_keys: Vec<MasterKeySource<'_>>,
    allow_legacy: bool,
    require_protection: bool,
) -> napi::Result<NativeLockbox> {
    NativeLockbox::new(&master_keys, allow_legacy, require_protection).or_throw(env)
}

#[napi]
impl NativeLockbox {
    #[napi(getter, catch_unwind)]
    pub fn master_key_ids(&self) -> Vec<String> {
        self.ids.clone()
    }

    #[napi(catch_unwind)]
    pub fn open(&self, env: &Env, row: RowColumns<'_>, context: RowContext) -> napi::Result<NativeSecret> {
        self.open_row(&row, &context).and_then(NativeSecret::new).or_throw(env)
    }

    #[napi(catch_unwind)]
    pub fn seal(
        &self,
        env: &Env,
        secret: ClassInstance<'_, NativeSecret>,
        context: RowContext,
    ) -> napi::Result<SealedColumns> {
        let seal = || self.lockbox()?.seal(&*secret.secret()?, &context.as_context());
        Ok(seal().or_throw(env)?.into())
    }

    #[napi(catch_unwind)]
    pub fn reseal(
        &self,
        env: &Env,
        row: RowColumns<'_>,
        from: RowContext,
        to: Option<RowContext>,
    ) -> napi::Result<SealedColumns> {
        let to = to.as_ref().unwrap_or(&from).as_context();
        let resealed = self.lockbox().and_then(|lockbox| lockbox.reseal(&row.as_row(), &from.as_context(), &to));
        Ok(resealed.or_throw(env)?.into())
    }

    /// Opens a row and seals its secret for a recipient.
    #[napi(catch_unwind)]
    pub fn unseal_for(
        &self,
        env: &Env,
        row: RowColumns<'_>,
        context: RowContext,
        seal: SealRequest<'_>,
    ) -> napi::Result<String> {
        self.open_row(&row, &context).and_then(|secret| seal.seal(&secret)).or_throw(env)
    }
}

disposable!(NativeLockbox);

impl NativeLockbox {
    fn new(master_keys: &[MasterKeySource<'_>], allow_legacy: bool, require_protection: bool) -> Result<Self> {
        let keys = master_keys.iter().map(read).collect::<Result<Vec<_>>>()?;
        let lockbox = Lockbox::new(keys, allow_legacy)?;
        if require_protection {
            lockbox.require_protection()?;
        }
        let ids = lockbox.master_key_ids().map(str::to_owned).collect();
        let disposed = "This Lockbox was disposed of. Create a new one with its master keys.";
        Ok(Self { held: Disposable::new(lockbox, disposed), ids, require_protection })
    }

    fn open_row(&self, row: &RowColumns<'_>, context: &RowContext) -> Result<Secret> {
        let secret = self.lockbox()?.open(&row.as_row(), &context.as_context())?;
        if self.require_protection {
            secret.require_protection()?;
        }
        Ok(secret)
    }

    /// # Errors
    /// `DISPOSED`.
    pub fn lockbox(&self) -> Result<Arc<Lockbox>> {
        self.held.get()
    }
}

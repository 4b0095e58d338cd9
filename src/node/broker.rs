//! `startBroker` and the handle of this process's broker.

use std::sync::Arc;

use napi::bindgen_prelude::{ClassInstance, Function, PromiseRaw, Unknown};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsValue};
use napi_derive::napi;

use crate::broker::{self, AuditOutcome, AuditReader, Broker, Record, RefusalReason, Waiting};
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::credential::key::pasted_kind;
use crate::node::secret::handle::NativeSecret;
use crate::node::state::{Disposable, disposable};
use crate::provider;

/// A number among the options of a broker.
#[napi(object, object_from_js = false)]
pub struct BrokerNumber {
    pub name: &'static str,
    pub min: f64,
    pub max: f64,
    pub default: f64,
}

/// A number that a caller sets. The facade has checked its range.
#[napi(object, object_to_js = false)]
pub struct NamedNumber {
    pub name: String,
    pub value: f64,
}

/// The options of a broker.
#[napi(object, object_to_js = false)]
pub struct BrokerOptions {
    pub upstreams: Vec<String>,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
    pub socket_directory: Option<String>,
    pub numbers: Vec<NamedNumber>,
}

/// The figures that show how busy the broker is.
#[napi(object, object_from_js = false)]
pub struct BrokerCounts {
    pub tokens: f64,
    pub connections: f64,
    pub refused_connections: f64,
    pub lost_records: f64,
}

/// One request. A line of JSON has the same fields.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct AuditRecord {
    pub time: f64,
    pub provider: &'static str,
    pub workspace: Option<String>,
    pub grant: Option<f64>,
    pub uid: Option<u32>,
    pub pid: Option<i32>,
    pub method: String,
    pub path: String,
    pub status: Option<u16>,
    pub bytes_up: f64,
    pub bytes_down: f64,
    pub milliseconds: f64,
    pub generation: Option<f64>,
    pub outcome: AuditOutcome,
    pub reason: Option<RefusalReason>,
}

impl From<Record> for AuditRecord {
    fn from(record: Record) -> Self {
        Self {
            time: record.milliseconds_since_1970() as f64,
            provider: record.provider,
            workspace: record.workspace.as_deref().map(str::to_owned),
            grant: record.grant.map(|grant| grant as f64),
            uid: record.uid,
            pid: record.pid,
            method: record.method.into_string(),
            path: record.path.into_string(),
            status: record.status,
            bytes_up: record.bytes_up as f64,
            bytes_down: record.bytes_down as f64,
            milliseconds: record.milliseconds as f64,
            generation: record.generation.map(|generation| generation as f64),
            outcome: record.outcome.word(),
            reason: record.outcome.reason(),
        }
    }
}

/// What a reader of the audit found.
#[napi(string_enum = "kebab-case")]
pub enum AuditWaiting {
    /// There is a record.
    Ready,
    /// There is no record: the reader's function will be called.
    UntilCalled,
    /// No more records will come.
    Ended,
}

/// The broker of this process, as one copy of the facade holds it.
#[napi]
pub struct NativeBroker {
    broker: Arc<Broker>,
}

/// The names, ranges and defaults of the numbers that `startBroker` takes. Those that begin with `limits.` are
/// properties of its option `limits`.
#[napi(catch_unwind)]
pub fn broker_numbers() -> Vec<BrokerNumber> {
    let number = |number: &broker::OptionNumber| BrokerNumber {
        name: number.name,
        min: number.min as f64,
        max: number.max as f64,
        default: number.default_value() as f64,
    };
    broker::NUMBERS.iter().map(number).collect()
}

/// Starts the broker of this process. Without options it returns the one that runs, if there is one.
#[napi(catch_unwind)]
pub fn start_broker(env: &Env, options: Option<BrokerOptions>) -> napi::Result<NativeBroker> {
    let broker = match options {
        None => Broker::of_process(),
        Some(options) => options.read().and_then(Broker::install),
    };
    let broker = broker.or_throw(env)?;
    broker.give_to_caller();
    Ok(NativeBroker { broker })
}

impl BrokerOptions {
    fn read(self) -> Result<broker::Options> {
        let mut options = broker::Options {
            upstreams: self.upstreams,
            ca_file: self.ca_file,
            proxy: self.proxy,
            ..broker::Options::default()
        };
        if let Some(directory) = self.socket_directory {
            options.socket_directory = directory.into();
        }
        for NamedNumber { name, value } in self.numbers {
            options.set(&name, value as u64)?;
        }
        Ok(options)
    }
}

#[napi]
impl NativeBroker {
    /// Whether it is the broker of this process.
    #[napi(getter, catch_unwind)]
    pub fn running(&self) -> bool {
        Broker::running_in_process().is_some_and(|running| Arc::ptr_eq(&running, &self.broker))
    }

    #[napi(getter, catch_unwind)]
    pub fn counts(&self) -> BrokerCounts {
        let counts = self.broker.counts();
        BrokerCounts {
            tokens: counts.tokens as f64,
            connections: counts.connections as f64,
            refused_connections: counts.refused_connections as f64,
            lost_records: counts.lost_records as f64,
        }
    }

    /// Replaces the credential of a workspace's running launches. Returns how many credentials were replaced.
    #[napi(catch_unwind)]
    pub fn rotate(
        &self,
        env: &Env,
        provider: String,
        workspace: String,
        kind: Option<String>,
        credential: ClassInstance<'_, NativeSecret>,
    ) -> napi::Result<f64> {
        let rotate = || {
            let broker = self.running_broker()?;
            let provider = provider::find(&provider)?;
            let kind = pasted_kind(kind.as_deref())?;
            let secret = credential.secret()?;
            broker.rotate(provider, &workspace, kind, secret)
        };
        Ok(rotate().or_throw(env)? as f64)
    }

    /// Revokes the credential of a workspace's running launches. Returns how many credentials were revoked.
    #[napi(catch_unwind)]
    pub fn revoke(&self, env: &Env, provider: String, workspace: String) -> napi::Result<f64> {
        let revoke = || Ok(self.running_broker()?.revoke(provider::find(&provider)?, &workspace));
        Ok(revoke().or_throw(env)? as f64)
    }

    /// Becomes the reader of the audit. `wake` is called once for each `wait` of the reader that returns
    /// `"until-called"`, and does not keep the event loop alive.
    #[napi(catch_unwind, ts_args_type = "wake: () => void")]
    pub fn read_audit(&self, env: &Env, wake: Function<'_, (), Unknown<'static>>) -> napi::Result<NativeAuditReader> {
        let wake = wake.build_threadsafe_function::<()>().weak::<true>().build()?;
        let wake = move || {
            // It fails only while the environment is closing.
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let reader = self.broker.audit().read(wake).or_throw(env)?;
        Ok(NativeAuditReader { held: Disposable::new(reader, "This reader has ended.") })
    }

    /// Stops the broker if it still runs. The promise resolves when its threads have ended.
    #[napi(catch_unwind)]
    pub fn stop<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let (deferred, promise) = env.create_deferred::<(), fn(Env) -> napi::Result<()>>()?;
        // From here on there is another broker for new launches.
        let _ = self.broker.withdraw();
        let (broker, done) = (Arc::clone(&self.broker), deferred.clone());
        let stop = move || {
            broker.stop();
            done.resolve(|_| Ok(()));
        };
        if std::thread::Builder::new().name("pe-broker-stop".into()).spawn(stop).is_err() {
            // The system has no thread to spare, so this thread waits.
            self.broker.stop();
            deferred.resolve(|_| Ok(()));
        }
        Ok(PromiseRaw::new(env.raw(), promise.raw()))
    }
}

impl NativeBroker {
    /// # Errors
    /// `DISPOSED`.
    fn running_broker(&self) -> Result<&Broker> {
        if self.running() {
            return Ok(&self.broker);
        }
        Err(Error::new(ErrorCode::Disposed, "This broker was stopped. Call startBroker() to start another one."))
    }
}

/// The one reader of the audit in this process.
#[napi]
pub struct NativeAuditReader {
    held: Disposable<AuditReader>,
}

#[napi]
impl NativeAuditReader {
    /// Takes at most `most` records, the oldest first.
    #[napi(catch_unwind)]
    pub fn take(&self, most: u32) -> Vec<AuditRecord> {
        self.records(most).into_iter().map(AuditRecord::from).collect()
    }

    /// Takes at most `most` records as lines of JSON.
    #[napi(catch_unwind)]
    pub fn take_lines(&self, most: u32) -> String {
        let mut lines = String::new();
        for record in self.records(most) {
            lines.push_str(&record.to_json());
            lines.push('\n');
        }
        lines
    }

    #[napi(catch_unwind)]
    pub fn wait(&self) -> AuditWaiting {
        match self.held.get().map(|reader| reader.wait()) {
            Ok(Waiting::Ready) => AuditWaiting::Ready,
            Ok(Waiting::UntilCalled) => AuditWaiting::UntilCalled,
            Ok(Waiting::Ended) | Err(_) => AuditWaiting::Ended,
        }
    }
}

disposable!(NativeAuditReader);

impl NativeAuditReader {
    fn records(&self, most: u32) -> Vec<Record> {
        self.held.get().map(|reader| reader.take(most as usize)).unwrap_or_default()
    }
}

//! From a payload to a plan, in an order that loses nothing: sealed secrets count as used when all else has succeeded.

use std::time::SystemTime;

use super::limits::ExecLimits;
use super::plan::EnvPlan;
use super::request::EnvRequest;
use crate::credential::{Fallbacks, ServerCredentials, StoredCredential};
use crate::error::{Error, ErrorCode, Result};
use crate::payload::Payload;
use crate::sealed::{Binding, Recipient, Ticket};

/// The most sealed secrets in one payload: each takes a tenth of a millisecond.
const MAX_SEALED: usize = 256;

/// What a plan is made with, beside the payload and the request.
#[derive(Debug)]
pub struct Means<'a> {
    /// A store's credential, where the payload has none.
    pub store: Option<StoredCredential>,
    /// The server's keys, as a fallback.
    pub server: Option<&'a ServerCredentials>,
    /// What opens sealed secrets.
    pub recipient: Option<&'a Recipient>,
    /// Whether a refused protection of memory is fatal.
    pub require_protection: bool,
    /// What the kernel takes.
    pub limits: ExecLimits,
    /// What time it is.
    pub now: SystemTime,
}

/// Opens what is sealed in the payload, decides the environment, and marks what was sealed as used.
///
/// # Errors
/// See `buildProviderEnv` in `index.d.ts`.
pub fn build(mut payload: Payload<'_>, request: EnvRequest<'_>, means: &Means<'_>) -> Result<EnvPlan> {
    let tickets = unseal(&mut payload, &request, means)?;
    let plan = {
        let fallbacks = Fallbacks { store: means.store.clone(), server: means.server };
        EnvPlan::new(payload, request, fallbacks, means.limits)?
    };
    if means.require_protection {
        plan.require_protection()?;
    }
    if let Some(recipient) = means.recipient {
        recipient.commit(tickets, means.now)?;
    }
    Ok(plan)
}

fn unseal(payload: &mut Payload<'_>, request: &EnvRequest<'_>, means: &Means<'_>) -> Result<Vec<Ticket>> {
    let mut tickets = Vec::new();
    payload.unseal(|field, text| {
        let recipient = means.recipient.ok_or_else(|| no_recipient(field))?;
        let workspace = request.workspace.id.ok_or_else(|| not_given("workspace.id"))?;
        let request = request.request_id.ok_or_else(|| not_given("requestId"))?;
        if tickets.len() == MAX_SEALED {
            let message = format!("The payload has more than {MAX_SEALED} sealed secrets.");
            return Err(Error::new(ErrorCode::PayloadInvalid, message).name(field));
        }
        let opened = recipient.open(text, &Binding { workspace, field, request }, means.now)?;
        tickets.push(opened.ticket);
        Ok(opened.secret)
    })?;
    Ok(tickets)
}

fn no_recipient(field: &str) -> Error {
    let message = format!("payload.{field} is a sealed secret. Give options.recipient, which opens it.");
    Error::new(ErrorCode::PayloadInvalid, message).name(field)
}

fn not_given(option: &str) -> Error {
    let message = format!("options.{option} is missing, which the payload's sealed secrets are bound to.");
    Error::new(ErrorCode::InvalidArgValue, message).name(option)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::payload::Input;
    use crate::sealed::{DEFAULT_MAX_AGE, seal};
    use crate::secret::Secret;

    fn request<'a>() -> EnvRequest<'a> {
        let mut request =
            EnvRequest { base: vec![("HOME", "/home/x")], request_id: Some("req"), ..EnvRequest::default() };
        request.workspace.id = Some("ws");
        request
    }

    fn means(recipient: Option<&Recipient>) -> Means<'_> {
        let limits = ExecLimits::for_stack(None);
        Means { store: None, server: None, recipient, require_protection: false, limits, now: SystemTime::now() }
    }

    fn sealed(recipient: &Recipient, field: &str) -> String {
        let binding = Binding { workspace: "ws", field, request: "req" };
        seal(&Secret::copy_of(b"sk-made-up"), &recipient.public_key(), &binding, SystemTime::now()).expect("sealed")
    }

    #[test]
    fn a_sealed_secret_is_used_by_what_succeeds_alone() {
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let json = format!(r#"{{"apiKey":"{}"}}"#, sealed(&recipient, "apiKey"));
        let payload = || Payload::from_json(json.as_bytes()).expect("valid");
        let forbidden = EnvRequest { set: vec![("LD_PRELOAD", "x")], ..request() };
        let error = build(payload(), forbidden, &means(Some(&recipient))).expect_err("forbidden");
        assert_eq!(error.code(), ErrorCode::EnvForbidden);
        assert!(build(payload(), request(), &means(Some(&recipient))).is_ok());
        let error = build(payload(), request(), &means(Some(&recipient))).expect_err("used");
        assert_eq!(error.code(), ErrorCode::UnsealFailed);
    }

    #[test]
    fn it_is_never_taken_for_a_key() {
        let json = br#"{"apiKey":"provider-env-sealed.v9.x"}"#;
        let payload = || Payload::from_json(json).expect("valid");
        let error = build(payload(), request(), &means(None)).expect_err("no recipient");
        assert_eq!(error.code(), ErrorCode::PayloadInvalid);
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let error = build(payload(), EnvRequest { request_id: None, ..request() }, &means(Some(&recipient)));
        assert_eq!(error.expect_err("no request").code(), ErrorCode::InvalidArgValue);
    }

    #[test]
    fn their_number_is_bounded() {
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let names: Vec<String> = (0..=MAX_SEALED).map(|index| format!("N{index}")).collect();
        let texts: Vec<String> = names.iter().map(|name| sealed(&recipient, &format!("userEnvKeys.{name}"))).collect();
        let with = |count: usize| {
            let mut payload = Payload::from_json(br#"{"apiKey":"sk-made-up"}"#).expect("valid");
            for (name, text) in names.iter().zip(&texts).take(count) {
                payload.add_user_env_key(Cow::Borrowed(name), Input::Borrowed(text.as_bytes())).expect("a name");
            }
            build(payload, request(), &means(Some(&recipient))).err().map(|error| error.code())
        };
        assert_eq!([with(MAX_SEALED + 1), with(MAX_SEALED)], [Some(ErrorCode::PayloadInvalid), None]);
    }
}

//! Turns a payload into a plan, in an order that loses nothing: sealed secrets count as used only when everything else
//! has succeeded.

use std::time::SystemTime;

use super::block::ExecLimits;
use super::plan::EnvPlan;
use super::rules::EnvRequest;
use crate::credential::payload::Payload;
use crate::credential::{Fallbacks, ServerCredentials, StoredCredential};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::PayloadField;
use crate::secret::sealed::{Binding, Recipient, Ticket};

/// The most sealed secrets in one payload: each takes a tenth of a millisecond.
const MAX_SEALED: usize = 256;

/// What a plan is made with, beside the payload and the request.
#[derive(Debug)]
pub struct BuildContext<'a> {
    /// A store's credential, where the payload has none.
    pub store: Option<StoredCredential>,
    /// The server's keys, as a fallback.
    pub server: Option<&'a ServerCredentials>,
    pub recipient: Option<&'a Recipient>,
    pub limits: ExecLimits,
    pub now: SystemTime,
}

/// Opens what is sealed in the payload, decides the environment, and marks what was sealed as used.
///
/// # Errors
/// See `buildProviderEnv` in `index.d.ts`.
pub fn build(mut payload: Payload<'_>, request: EnvRequest<'_>, context: &BuildContext<'_>) -> Result<EnvPlan> {
    let tickets = unseal(&mut payload, &request, context)?;
    let require_protection = request.require_protection;
    let plan = {
        let fallbacks = Fallbacks { store: context.store.clone(), server: context.server };
        EnvPlan::new(payload, request, fallbacks, context.limits)?
    };
    if require_protection {
        plan.require_protection()?;
    }
    if let Some(recipient) = context.recipient {
        recipient.commit(tickets, context.now)?;
    }
    Ok(plan)
}

fn unseal(payload: &mut Payload<'_>, request: &EnvRequest<'_>, context: &BuildContext<'_>) -> Result<Vec<Ticket>> {
    let mut tickets = Vec::new();
    payload.unseal(|field, text| {
        let recipient = context.recipient.ok_or_else(|| no_recipient(field))?;
        let workspace = request.workspace.id.ok_or_else(|| not_given("workspace.id"))?;
        // Cookies and the tenant's own variables have no other owner.
        let owner = request.credential_owner.bound().filter(|_| PayloadField::named(field).is_some());
        let request = request.request_id.ok_or_else(|| not_given("requestId"))?;
        if tickets.len() == MAX_SEALED {
            let message = format!("The payload has more than {MAX_SEALED} sealed secrets. Pass fewer.");
            return Err(Error::new(ErrorCode::PayloadInvalid, message).name(field));
        }
        let opened = recipient.open(text, &Binding { workspace, field, request, owner }, context.now)?;
        tickets.push(opened.ticket);
        Ok(opened.secret)
    })?;
    Ok(tickets)
}

fn no_recipient(field: &str) -> Error {
    let message = format!("payload.{field} is a sealed secret. Pass the recipient that opens it in options.recipient.");
    Error::new(ErrorCode::PayloadInvalid, message).name(field)
}

fn not_given(option: &str) -> Error {
    let message = format!(
        "options.{option} is missing. The payload's sealed secrets are bound to it: pass the value \
        that they were sealed with."
    );
    Error::new(ErrorCode::InvalidArgValue, message).name(option)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::credential::CredentialOwner;
    use crate::credential::payload::Input;
    use crate::secret::Secret;
    use crate::secret::sealed::{DEFAULT_MAX_AGE, seal};

    fn request<'a>() -> EnvRequest<'a> {
        let mut request =
            EnvRequest { base: vec![("HOME", "/home/x")], request_id: Some("req"), ..EnvRequest::default() };
        request.workspace.id = Some("ws");
        request
    }

    fn context(recipient: Option<&Recipient>) -> BuildContext<'_> {
        let limits = ExecLimits::for_stack(None);
        BuildContext { store: None, server: None, recipient, limits, now: SystemTime::now() }
    }

    fn sealed(recipient: &Recipient, field: &str) -> String {
        sealed_of(CredentialOwner::Workspace, recipient, field)
    }

    fn sealed_of(owner: CredentialOwner, recipient: &Recipient, field: &str) -> String {
        let binding = Binding { workspace: "ws", field, request: "req", owner: owner.bound() };
        seal(&Secret::copy_of(b"sk-made-up"), &recipient.public_key(), &binding, SystemTime::now()).expect("sealed")
    }

    #[test]
    fn a_sealed_secret_is_used_by_what_succeeds_alone() {
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let json = format!(r#"{{"apiKey":"{}"}}"#, sealed(&recipient, "apiKey"));
        let payload = || Payload::from_message(json.as_bytes(), &[]).expect("valid");
        let forbidden = EnvRequest { set: vec![("LD_PRELOAD", "x")], ..request() };
        let error = build(payload(), forbidden, &context(Some(&recipient))).expect_err("forbidden");
        assert_eq!(error.code(), ErrorCode::EnvForbidden);
        assert!(build(payload(), request(), &context(Some(&recipient))).is_ok());
        let error = build(payload(), request(), &context(Some(&recipient))).expect_err("used");
        assert_eq!(error.code(), ErrorCode::UnsealFailed);
    }

    #[test]
    fn it_opens_for_the_owner_it_was_sealed_for_alone() {
        for field in ["apiKey", "oauthAccessToken"] {
            for (sealed_for, asked) in
                CredentialOwner::ALL.iter().flat_map(|one| CredentialOwner::ALL.iter().map(|two| (*one, *two)))
            {
                let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
                // What the payload itself says of the owner is refused, see `payload`.
                let json = format!(r#"{{"{field}":"{}"}}"#, sealed_of(sealed_for, &recipient, field));
                let payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
                let built =
                    build(payload, EnvRequest { credential_owner: asked, ..request() }, &context(Some(&recipient)));
                let seen = built.map(|plan| plan.credential.owner).map_err(|error| error.code());
                let expected = if sealed_for == asked { Ok(asked) } else { Err(ErrorCode::UnsealFailed) };
                assert_eq!(seen, expected, "{field} {sealed_for:?} as {asked:?}");
            }
        }
    }

    #[test]
    fn what_is_no_credential_is_the_workspaces() {
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let key = sealed_of(CredentialOwner::Server, &recipient, "apiKey");
        let cookie = sealed(&recipient, "sessionCookie");
        let json = format!(r#"{{"apiKey":"{key}","sessionCookie":"{cookie}"}}"#);
        let payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
        let request = EnvRequest { credential_owner: CredentialOwner::Server, ..request() };
        assert!(build(payload, request, &context(Some(&recipient))).is_ok());
    }

    #[test]
    fn it_is_never_taken_for_a_key() {
        let json = br#"{"apiKey":"provider-env-sealed.v9.x"}"#;
        let payload = || Payload::from_message(json, &[]).expect("valid");
        let error = build(payload(), request(), &context(None)).expect_err("no recipient");
        assert_eq!(error.code(), ErrorCode::PayloadInvalid);
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let error = build(payload(), EnvRequest { request_id: None, ..request() }, &context(Some(&recipient)));
        assert_eq!(error.expect_err("no request").code(), ErrorCode::InvalidArgValue);
    }

    #[test]
    fn their_number_is_bounded() {
        let recipient = Recipient::generate(DEFAULT_MAX_AGE).expect("random");
        let names: Vec<String> = (0..=MAX_SEALED).map(|index| format!("N{index}")).collect();
        let texts: Vec<String> = names.iter().map(|name| sealed(&recipient, &format!("userEnvKeys.{name}"))).collect();
        let with = |count: usize| {
            let mut payload = Payload::from_message(br#"{"apiKey":"sk-made-up"}"#, &[]).expect("valid");
            for (name, text) in names.iter().zip(&texts).take(count) {
                payload.add_user_env_key(Cow::Borrowed(name), Input::Borrowed(text.as_bytes())).expect("a name");
            }
            build(payload, request(), &context(Some(&recipient))).err().map(|error| error.code())
        };
        assert_eq!([with(MAX_SEALED + 1), with(MAX_SEALED)], [Some(ErrorCode::PayloadInvalid), None]);
    }
}

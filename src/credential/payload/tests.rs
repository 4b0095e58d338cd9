//! Payloads: what is read, what is refused, and that no refusal repeats its input.

use super::*;

const SENTINEL: &str = "s3ntinel-Never-Printed";

fn parse(json: &str) -> Result<Payload<'_>> {
    Payload::from_message(json.as_bytes(), &[])
}

#[test]
fn reads_every_field_and_ignores_the_rest() {
    let payload = parse(
        r#"{"message":{"deep":[1,2,{"apiKey":"not this"}]},"provider":"codex","apiKey":"k\u0041\n","oauthAccessToken":"t",
            "sessionCookie":"c","userEnvKeys":{"GITHUB_TOKEN":"g","lower":"x","1X":"y"}}"#,
    )
    .expect("valid");
    assert_eq!(payload.provider.id, "codex");
    assert_eq!(payload.api_key.expect("given").expose_secret(), b"kA\n");
    assert_eq!(payload.oauth_access_token.expect("given").expose_secret(), b"t");
    assert_eq!(payload.session_cookie.expect("given").expose_secret(), b"c");
    assert_eq!(payload.user_env_keys[0].0, "GITHUB_TOKEN");
    assert_eq!(payload.user_env_keys[0].1.expose_secret(), b"g");
    assert_eq!(payload.rejected_user_env_keys, ["lower", "1X"]);
}

#[test]
fn null_and_empty_count_as_absent() {
    let payload =
        parse(r#"{"apiKey":null,"oauthAccessToken":"","sessionCookie":"","userEnvKeys":null}"#).expect("valid");
    assert!(payload.api_key.is_none());
    assert!(payload.oauth_access_token.is_none());
    assert!(payload.session_cookie.is_none());
    assert!(payload.user_env_keys.is_empty());
    assert_eq!(payload.provider.id, "claude");
}

#[test]
fn a_payload_with_unknown_fields_alone_is_refused_and_an_empty_one_is_not() {
    for json in [
        format!(r#"{{"id":1,"payload":{{"provider":"codex","apiKey":"{SENTINEL}"}}}}"#),
        format!(r#"{{"apikey":"{SENTINEL}"}}"#),
        format!(r#"{{"{SENTINEL}":{{}}}}"#),
    ] {
        let error = parse(&json).expect_err(&json);
        assert_eq!(error.code(), ErrorCode::PayloadInvalid);
        assert!(
            error.to_string().contains("provider, apiKey, oauthAccessToken, sessionCookie, userEnvKeys"),
            "{error}"
        );
        assert_eq!(error.details().names, FIELDS);
        assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
    }
    for field in FIELDS {
        assert!(parse(&format!(r#"{{"{field}":null}}"#)).is_ok(), "{field}");
    }
    for json in [r#"{"provider":"codex","x":1}"#, "{}", " {\n} "] {
        assert!(parse(json).is_ok(), "{json}");
    }
}

#[test]
fn a_payload_in_a_message_is_read_by_its_path() {
    let path = ["body", "payload"];
    let message = br#"{"id":"1","body":{"payload":{"provider":"codex","apiKey":"k\u0041"},"x":[1]},"apiKey":"other"}"#;
    let payload = Payload::from_message(message, &path).expect("valid");
    assert_eq!((payload.provider.id, payload.api_key.expect("given").expose_secret()), ("codex", &b"kA"[..]));
    let error = Payload::from_message(br#"{"body":{"payload":{"message":1}}}"#, &path).expect_err("no known field");
    assert!(error.to_string().contains("none of the known fields"), "{error}");
    for nothing in ["null", "[]", "7", "\"x\""] {
        let message = format!(r#"{{"body":{{"payload":{nothing}}}}}"#);
        let error = Payload::from_message(message.as_bytes(), &path).expect_err(nothing);
        assert!(error.to_string().contains("The payload is not an object"), "{error}");
    }
}

#[test]
fn refusals_name_the_field_and_repeat_nothing() {
    let cases = [
        (format!(r#"{{"apiKey":"{SENTINEL}"#), "ends too early"),
        (format!(r#"{{"apiKey":"{SENTINEL}"}} x"#), "not valid JSON"),
        (format!(r#""{SENTINEL}""#), "not an object"),
        (format!(r#"{{"apiKey":"a","apiKey":"{SENTINEL}"}}"#), "in which each field occurs once"),
        (format!(r#"{{"apiKey":["{SENTINEL}"]}}"#), "payload.apiKey must be a string"),
        (format!(r#"{{"apiKey":"{SENTINEL}\u0000"}}"#), "payload.apiKey contains a NUL"),
        (format!(r#"{{"apiKey":"{SENTINEL}\ud800"}}"#), "surrogate"),
        (format!(r#"{{"provider":"{SENTINEL}"}}"#), "claude, codex"),
        (format!(r#"{{"provider":{{"{SENTINEL}":1}}}}"#), "payload.provider must be a string"),
        (format!(r#"{{"userEnvKeys":{{"A":"{SENTINEL}","A":"b"}}}}"#), "different names"),
        (format!(r#"{{"userEnvKeys":{{"A":{{"{SENTINEL}":1}}}}}}"#), "payload.userEnvKeys must be a string"),
        (format!(r#"{{"userEnvKeys":"{SENTINEL}"}}"#), "must be an object"),
    ];
    for (json, phrase) in cases {
        let error = parse(&json).expect_err(&json);
        assert!(error.to_string().contains(phrase), "{error} lacks {phrase:?}");
        assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
    }
}

#[test]
fn invalid_utf8_is_refused() {
    let error = Payload::from_message(b"{\"apiKey\":\"\xff\"}", &[]).expect_err("not UTF-8");
    assert_eq!(error.code(), ErrorCode::PayloadInvalid);
}

#[test]
fn the_limit_is_the_workers() {
    let mut json = br#"{"provider":"claude","message":""#.to_vec();
    json.resize(MAX_JSON_BYTES - 2, b'x');
    json.extend(b"\"}");
    assert!(Payload::from_message(&json, &[]).is_ok());
    json.push(b' ');
    let error = Payload::from_message(&json, &[]).expect_err("one byte too many");
    assert_eq!(error.code(), ErrorCode::PayloadTooLarge);
}

#[test]
fn too_many_names_are_refused() {
    let names = |count: usize| (0..count).map(|index| format!(r#""K{index}":"""#)).collect::<Vec<_>>().join(",");
    assert!(parse(&format!(r#"{{"userEnvKeys":{{{}}}}}"#, names(MAX_USER_ENV_KEYS))).is_ok());
    let error = parse(&format!(r#"{{"userEnvKeys":{{{}}}}}"#, names(MAX_USER_ENV_KEYS + 1))).expect_err("too many");
    assert_eq!(error.code(), ErrorCode::PayloadInvalid);
}

#[test]
fn debug_shows_no_value() {
    let json = format!(r#"{{"apiKey":"{SENTINEL}","userEnvKeys":{{"A":"{SENTINEL}"}}}}"#);
    let payload = parse(&json).expect("valid");
    assert!(!format!("{payload:?}").contains(SENTINEL));
}

#[test]
fn what_the_caller_decides_is_no_field() {
    for (json, option) in [
        (r#"{"apiKey":"a","credentialOwner":"server"}"#, "credentialOwner"),
        (r#"{"credentialOwner":{"deep":[1]},"apiKey":"a"}"#, "credentialOwner"),
        (r#"{"apiKey":"a","requireCredential":false}"#, "requireCredential"),
    ] {
        let error = Payload::from_message(json.as_bytes(), &[]).expect_err(json);
        assert_eq!((error.code(), &*error.details().names), (ErrorCode::PayloadInvalid, &[option.to_owned()][..]));
        assert!(error.to_string().contains(&format!("options.{option}")), "{error}");
    }
    assert!(Payload::from_message(br#"{"apiKey":"a","credentialOwner":null}"#, &[]).is_ok());
}

#[test]
fn what_stands_at_the_path_is_read_where_it_is() {
    for (message, path) in [
        (r#"{"id":1,"payload":{"apiKey":"key"},"rest":[{"payload":2}]}"#, &["payload"][..]),
        ("{\"payload\": {\"apiKey\" : \"key\" } }\n", &["payload"]),
        (r#"{"a":{"b":{"c":{"apiKey":"key"}}},"b":{}}"#, &["a", "b", "c"]),
        (r#"{"p\u0061yload":{"apiKey":"key"}}"#, &["payload"]),
        (r#"{"":{"apiKey":"key"}}"#, &[""]),
        (r#"{"\u0061piKey":"key"}"#, &[]),
    ] {
        let payload = Payload::from_message(message.as_bytes(), path).expect(message);
        let key = payload.api_key.as_ref().expect(message).expose_secret();
        assert_eq!(key, b"key");
        let (start, end) = (message.as_ptr() as usize, message.as_ptr() as usize + message.len());
        assert!((start..end).contains(&(key.as_ptr() as usize)), "not a copy");
    }
}

#[test]
fn what_is_not_there_or_is_no_json_is_refused_and_nothing_repeated() {
    let of = |message: &str| message.replace('S', SENTINEL);
    for (message, path, phrase) in [
        (r#"{"id":"S"}"#, &["payload"][..], "The payload at payload (options.payloadPath) does not exist: name"),
        (r#"{"a":{"S":1}}"#, &["a", "b"], "The payload at a.b (options.payloadPath) does not exist: name"),
        (r#"{"payload":{},"payload":{"k":"S"}}"#, &["payload"], "payload (options.payloadPath) occurs twice"),
        (r#"{"payload":{},"p\u0061yload":"S"}"#, &["payload"], "occurs twice"),
        (r#"{"a":{"b":{},"b":"S"}}"#, &["a", "b"], "a.b (options.payloadPath) occurs twice"),
        (r#"["S"]"#, &["payload"], "The message around the payload is not an object"),
        (r#"{"a":"S"}"#, &["a", "b"], "The value at a (options.payloadPath) is not an object"),
        (r#"{"a":null}"#, &["a", "b"], "The value at a (options.payloadPath) is not an object"),
        (r#"{"payload":{"apiKey":"S"}"#, &["payload"], "The message around the payload ends too early"),
        (r#"{"payload":{"apiKey":"S"},"rest":tru}"#, &["payload"], "The message around the payload is not valid JSON"),
        (r#"{"payload":{"apiKey":"S"}} {"more":1}"#, &["payload"], "The message around the payload is not valid JSON"),
        ("", &["payload"], "The message around the payload ends too early"),
    ] {
        let message = of(message);
        let error = Payload::from_message(message.as_bytes(), path).expect_err(&message);
        assert_eq!(error.code(), ErrorCode::PayloadInvalid);
        assert!(error.to_string().contains(phrase), "{error} lacks {phrase:?}");
        assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
    }
    let error = Payload::from_message(b"{\"payload\":{},\"rest\":\"\xff\"}", &["payload"]).expect_err("not UTF-8");
    assert_eq!(error.code(), ErrorCode::PayloadInvalid);
}

#[test]
fn a_secret_can_be_sealed_for_a_field_of_a_payload_alone() {
    let code = |field: &str, owner| check_sealed_field(field, owner).err().map(|error| error.to_string());
    for field in ["apiKey", "oauthAccessToken", "sessionCookie", "userEnvKeys.A", "userEnvKeys.a\nb"] {
        assert_eq!(code(field, CredentialOwner::Workspace), None, "{field}");
        let is_credential = matches!(field, "apiKey" | "oauthAccessToken");
        assert_eq!(code(field, CredentialOwner::Server).is_none(), is_credential, "{field}");
    }
    for field in ["", "provider", "userEnvKeys", "userEnvKeys.", "apiKey "] {
        assert!(
            code(field, CredentialOwner::Workspace).is_some_and(|text| text.starts_with("binding.field")),
            "{field}"
        );
    }
}

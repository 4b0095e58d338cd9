//! Any bytes as a payload: no panic, no echo of the input in an error, and the same values as an independent parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provider_env::credential::payload::Payload;

fuzz_target!(|json: &[u8]| {
    if let Ok(payload) = Payload::from_message(json, &["payload"]) {
        let value: serde_json::Value = serde_json::from_slice(json).expect("we accepted it");
        let theirs = value["payload"]["apiKey"].as_str().filter(|text| !text.is_empty());
        assert_eq!(payload.api_key.as_ref().map(|key| key.expose_secret()), theirs.map(str::as_bytes));
    }
    match Payload::from_message(json, &[]) {
        Ok(payload) => {
            let value: serde_json::Value = serde_json::from_slice(json).expect("we accepted it");
            let same = |ours: Option<&[u8]>, name: &str| {
                let theirs = value.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
                assert_eq!(ours, theirs.map(str::as_bytes), "{name}");
            };
            same(payload.api_key.as_ref().map(|key| key.expose_secret()), "apiKey");
            same(payload.oauth_access_token.as_ref().map(|key| key.expose_secret()), "oauthAccessToken");
            same(payload.session_cookie.as_ref().map(|key| key.expose_secret()), "sessionCookie");
            for (name, secret) in &payload.user_env_keys {
                assert_eq!(value["userEnvKeys"][&**name].as_str().map(str::as_bytes), Some(secret.expose_secret()));
            }
        }
        Err(error) => {
            // Twelve printable bytes in a row are not there by chance.
            let text = format!("{error} {error:?}");
            for window in json.windows(12).filter(|window| window.iter().all(|byte| byte.is_ascii_alphanumeric())) {
                let window = std::str::from_utf8(window).expect("ASCII");
                let ours = ["apiKey", "oauthAccessToken", "sessionCookie", "userEnvKeys", "provider"];
                assert!(ours.iter().any(|name| name.contains(window)) || !text.contains(window), "{text}");
            }
        }
    }
});

//! Keys and what is found of them: the corpus that the package's own test reads too, and properties of any input.

use proptest::prelude::*;
use serde::Deserialize;

use super::super::finding::{KeyVerdict, MAX_CREDENTIAL_BYTES};
use super::super::validate;
use super::*;
use crate::error::ErrorCode;
use crate::provider::{self, KeyClass, PROVIDERS, key_classes};

/// `[provider, kind, key, code, class, owner]`
type Row = (String, String, String, String, Option<String>, Option<String>);

#[derive(Deserialize)]
struct Corpus {
    rows: Vec<Row>,
}

fn corpus() -> Vec<Row> {
    let json = include_str!("../../../__test__/fixtures/key-shapes.json");
    serde_json::from_str::<Corpus>(json).expect("a corpus").rows
}

/// `{n}` is n made-up characters.
fn expand(pattern: &str) -> String {
    let mut parts = pattern.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}').and_then(|(count, rest)| Some((count.parse::<usize>().ok()?, rest))) {
            Some((count, rest)) => {
                text.extend("aB3dE5gH7jK9mN2pQ4sT6vW8".chars().cycle().take(count));
                text.push_str(rest);
            }
            None => {
                text.push('{');
                text.push_str(part);
            }
        }
    }
    text
}

fn kind_of(name: &str) -> CredentialKind {
    [CredentialKind::ApiKey, CredentialKind::OauthToken].into_iter().find(|kind| kind.as_str() == name).expect("a kind")
}

#[test]
fn the_corpus_has_its_verdicts_and_every_code_and_class() {
    let mut codes = std::collections::HashSet::new();
    let mut classes = std::collections::HashSet::new();
    for (provider, kind, pattern, code, class, owner) in corpus() {
        let key = expand(&pattern);
        let found = validate(&provider, kind_of(&kind), key.as_bytes()).expect("a provider");
        let seen = found.finding;
        let seen_class = seen.class.map(|class| class.id);
        assert_eq!((seen.code.as_str(), seen_class), (&*code, class.as_deref()), "{provider} {kind} {pattern:?}");
        assert_eq!(seen.class.and_then(provider::owner_of).map(|owner| owner.id), owner.as_deref(), "{pattern:?}");
        assert_eq!(found.fingerprint.is_some(), seen.verdict() != KeyVerdict::Invalid, "{pattern:?}");
        codes.insert(code);
        classes.extend(class);
    }
    assert_eq!(codes.len(), KeyFindingCode::ALL.len());
    assert!(key_classes().all(|class| classes.contains(class.id)));
}

#[test]
fn a_launch_refuses_what_is_invalid_and_nothing_else() {
    for (provider, kind, pattern, code, ..) in corpus().into_iter().filter(|row| row.3 != "kind-not-taken") {
        let row = provider::find(&provider).expect("a row");
        let error = check(row, kind_of(&kind), "apiKey", expand(&pattern).as_bytes()).err();
        let code = KeyFindingCode::ALL.iter().find(|known| known.as_str() == code).expect("a code");
        assert_eq!(error.is_some(), code.verdict() == KeyVerdict::Invalid, "{pattern:?}");
        let Some(error) = error else { continue };
        assert!(matches!(error.code(), ErrorCode::KeyMalformed | ErrorCode::KeyWrongProvider), "{pattern:?}");
        assert!(error.to_string().starts_with("apiKey "), "{error}");
        assert_eq!(error.details().names, ["apiKey"]);
    }
}

fn kind(token: bool) -> CredentialKind {
    if token { CredentialKind::OauthToken } else { CredentialKind::ApiKey }
}

/// Every sentence that a key of any content can get, but for its length.
fn vocabulary() -> Vec<String> {
    let mut all = Vec::new();
    let kinds = [CredentialKind::ApiKey, CredentialKind::OauthToken];
    let classes = || key_classes().map(Some).chain([None]);
    for &code in KeyFindingCode::ALL {
        for (&provider, kind) in PROVIDERS.iter().flat_map(|row| kinds.map(|kind| (row, kind))) {
            for (class, origin) in classes().flat_map(|class| [None, Some("apiKey")].map(|origin| (class, origin))) {
                let length = 0;
                all.push(Finding { code, class, provider: Some(provider), kind, length }.sentence(origin));
            }
        }
    }
    all
}

/// Text that is near enough to a key to get past the first checks.
fn likely_key() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[a-zA-Z0-9_.-]{0,60}".prop_map(String::into_bytes),
        "\\PC{0,20}".prop_map(String::into_bytes),
        proptest::sample::select(key_classes().collect::<Vec<_>>())
            .prop_map(|class: &KeyClass| class.prefix.as_bytes().to_vec()),
        proptest::sample::select(vec![
            "Bearer ",
            "KEY=",
            "\u{feff}",
            "***",
            "your-",
            "\"",
            " ",
            "T3BlbkFJ",
            ".eyJ",
            "xxxx",
            "$",
            "${",
            "}",
            "%",
            "://",
            "\\n",
            ",",
            "undefined",
            "_KEY",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The sentence and the error are among those that are ours, so no byte of the key is in them.
    #[test]
    fn no_input_panics_or_is_echoed(key in likely_key(), codex: bool, token: bool) {
        thread_local!(static KNOWN: std::collections::HashSet<String> = vocabulary().into_iter().collect());
        let row = provider::find(if codex { "codex" } else { "claude" }).expect("a row");
        let kind = kind(token);
        let finding = examine(row, kind, &key);
        let blank = Finding { length: 0, ..finding };
        prop_assert!(KNOWN.with(|known| known.contains(&blank.sentence(None))));
        prop_assert_eq!(finding.length, key.len());
        if finding.code != KeyFindingCode::TooLong {
            prop_assert_eq!(finding.sentence(None), blank.sentence(None));
        }
        match check(row, kind, "apiKey", &key) {
            Ok(()) => prop_assert!(finding.verdict() != KeyVerdict::Invalid),
            Err(error) => prop_assert_eq!(error.to_string(), finding.sentence(Some("apiKey"))),
        }
    }

    /// What is refused before its provider is known would be refused for each of them.
    #[test]
    fn what_is_for_nobody_is_for_no_provider(key in likely_key(), token: bool) {
        if let Err(error) = check_for_any(kind(token), "apiKey", &key) {
            prop_assert_eq!(error.code(), ErrorCode::KeyMalformed);
            for row in PROVIDERS {
                prop_assert_eq!(check(row, kind(token), "apiKey", &key).map_err(|error| error.code()), Err(ErrorCode::KeyMalformed));
            }
        }
    }

    /// Gateways issue what RFC 6750 calls a `b64token`, or make something up: no such thing is refused, whatever it is.
    #[test]
    fn tokens_of_gateways_are_taken(
        key in prop_oneof![
            "[A-Za-z0-9_-]{16,200}",
            "[A-Za-z0-9+/]{15,120}={0,2}",
            "[0-9a-f]{32,64}",
            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            "eyJ[A-Za-z0-9_-]{20,60}\\.eyJ[A-Za-z0-9_-]{20,300}\\.[A-Za-z0-9_-]{43,86}",
            "(sk-proxy-|sk-litellm-|sk-helicone-|sk-or-v1-|vck_|hf_|gsk_|xai-|pk-lf-|nvapi-|ABSK|dapi|ya29\\.)[A-Za-z0-9_-]{16,80}",
            "[0-9a-f]{32}\\.[A-Za-z0-9]{16}",
            "[A-Za-z0-9]{20}:[A-Za-z0-9]{20}",
            // With `=` or `%`, chance makes an assignment or an escape of one in some hundred thousand.
            "[A-Za-z0-9]{12}[A-Za-z0-9!#$&*+./:?@^_|~-]{8,20}[A-Za-z0-9!#$&*+_~-]",
        ],
        codex: bool,
    ) {
        let row = provider::find(if codex { "codex" } else { "claude" }).expect("a row");
        // By chance one can be of a class that belongs elsewhere, or have an address or a mask in it.
        prop_assume!(!["://", "***", "..."].iter().any(|part| key.contains(part)));
        prop_assume!(class_of(key.as_bytes()).is_none_or(|class| !class.is_certain));
        let finding = examine(row, CredentialKind::ApiKey, key.as_bytes());
        prop_assert!(finding.verdict() != KeyVerdict::Invalid, "{} is {}", key, finding.code.as_str());
    }

    /// Whatever else a vendor's key has, it has no other signs than these.
    #[test]
    fn a_vendors_key_has_no_other_signs(
        class in proptest::sample::select(key_classes().filter(|class| class.is_plain).collect::<Vec<_>>()),
        body in "[A-Za-z0-9_-]{40,100}",
        other in "[^A-Za-z0-9_-]",
        at in 0_usize..41,
    ) {
        let key = format!("{}{body}", class.prefix);
        prop_assume!(class_of(key.as_bytes()).is_some_and(|found| found.is_plain));
        for row in PROVIDERS {
            let code = examine(row, CredentialKind::ApiKey, key.as_bytes()).code;
            prop_assert!(!matches!(code.error_code(), Some(ErrorCode::KeyMalformed)), "{}", code.as_str());
            let place = class.prefix.len() + at;
            let spoilt = format!("{}{other}{}", &key[..place], &key[place..]);
            prop_assert_eq!(check(row, CredentialKind::ApiKey, "apiKey", spoilt.as_bytes()).map_err(|error| error.code()), Err(ErrorCode::KeyMalformed));
        }
    }

    /// What a launch takes can be in a header, whatever else is warned of.
    #[test]
    fn what_is_taken_is_safe_in_a_header(key in likely_key()) {
        let row = provider::find("codex").expect("a row");
        if check(row, CredentialKind::ApiKey, "apiKey", &key).is_ok() {
            prop_assert!(!key.is_empty() && key.len() <= MAX_CREDENTIAL_BYTES && key.iter().all(u8::is_ascii_graphic));
        }
    }
}

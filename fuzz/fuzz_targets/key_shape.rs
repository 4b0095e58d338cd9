//! Any bytes as a key, for every provider and kind: no panic, one verdict for the settings page and the launch, no echo
//! in either's text, and nothing taken that a header cannot carry.
#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provider_env::credential::{self, Finding, KeyFindingCode, KeyVerdict, MAX_CREDENTIAL_BYTES, examine};
use provider_env::provider::{CredentialKind, PROVIDERS, key_classes};

const KINDS: [CredentialKind; 2] = [CredentialKind::ApiKey, CredentialKind::OauthToken];

/// Every text that there is, but for the length: what is among them has nothing of a key in it.
static VOCABULARY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut all = HashSet::new();
    for &code in KeyFindingCode::ALL {
        for (&provider, kind) in PROVIDERS.iter().flat_map(|row| KINDS.map(|kind| (row, kind))) {
            for class in key_classes().map(Some).chain([None]) {
                let finding = Finding { code, class, provider: Some(provider), kind, length: 0 };
                all.extend([None, Some("apiKey")].map(|origin| finding.sentence(origin)));
            }
        }
    }
    all
});

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    /// A known prefix in front, mostly: the rest is seldom looked at otherwise.
    class: u8,
    key: &'a [u8],
}

fuzz_target!(|input: Input| {
    let prefix = key_classes().nth(usize::from(input.class)).map_or("", |class| class.prefix);
    let key = [prefix.as_bytes(), input.key].concat();
    for (&provider, kind) in PROVIDERS.iter().flat_map(|row| KINDS.map(|kind| (row, kind))) {
        let finding = examine(provider, kind, &key);
        let refused = finding.verdict() == KeyVerdict::Invalid;
        assert_eq!(finding.length, key.len());
        for origin in [None, Some("apiKey")] {
            let blank = Finding { length: 0, ..finding }.sentence(origin);
            assert!(VOCABULARY.contains(&blank));
            assert!(finding.code == KeyFindingCode::TooLong || finding.sentence(origin) == blank);
        }
        match credential::check(provider, kind, "apiKey", &key) {
            Ok(()) => {
                assert!(!refused && !key.is_empty() && key.len() <= MAX_CREDENTIAL_BYTES);
                assert!(key.iter().all(u8::is_ascii_graphic));
            }
            Err(error) => assert!(refused && error.to_string() == finding.sentence(Some("apiKey"))),
        }
        let seen = credential::validate(provider.id, kind, &key).expect("a provider");
        assert_eq!(seen.fingerprint.is_some(), seen.finding.verdict() != KeyVerdict::Invalid);
        assert!(
            refused == (seen.finding.verdict() == KeyVerdict::Invalid)
                || seen.finding.code == KeyFindingCode::KindNotTaken
        );
    }
});

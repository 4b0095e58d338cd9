//! The possible results of checking a key locally: one table of codes, verdicts and sentences.

use crate::error::{Error, ErrorCode};
use crate::provider::{CredentialKind, KeyClass, Provider};
use crate::words::words;

/// The longest credential, in bytes. Tokens of a few KB exist (JWTs); a pipe holds this much without a reader.
pub const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;

words! {
pub enum KeyVerdict {
    /// It has the shape of what the vendor issues.
    Ok = "ok",
    /// It may well work; a person should look at it. A launch takes it.
    Warning = "warning",
    /// It cannot work. A launch refuses it.
    Invalid = "invalid",
}
}

#[derive(Debug)]
struct FindingRow {
    verdict: KeyVerdict,
    error: ErrorCode,
    sentence: &'static str,
}

macro_rules! findings {
    ($($(#[$doc:meta])* $variant:ident = $code:tt, $verdict:ident, $error:ident, $sentence:literal;)+) => {
        words! {
            /// What was found about a key, in the order of the documentation.
            pub enum KeyFindingCode {
                $($(#[$doc])* $variant = $code,)+
            }
        }

        impl KeyFindingCode {
            fn row(self) -> &'static FindingRow {
                match self {
                    $(Self::$variant => {
                        const ROW: &FindingRow =
                            &FindingRow { verdict: KeyVerdict::$verdict, error: ErrorCode::$error, sentence: $sentence };
                        ROW
                    })+
                }
            }
        }
    };
}

// The words in braces are ours or numbers: see `Finding::sentence`. No part of a key is among them.
findings! {
    /// The key has the shape of what the vendor issues.
    Fits = "ok", Ok, Internal, "{it is} {class}, judging by its shape. Only a request to the API shows whether it is \
        accepted.";
    Unfamiliar = "unfamiliar", Warning, Internal,
        "{it} does not have a known shape. That is normal for the key of a gateway; otherwise compare it with the key that you copied.";
    /// Its vendor's prefix, of no known kind.
    UnknownKind = "unknown-kind", Warning, Internal,
        "{it is} {class}. Replace it unless it is an {kind} for {provider}.";
    /// Fewer bytes than any such key has.
    TooShort = "too-short", Warning, Internal,
        "{it is} {class}, but it is shorter than such keys are. Part of it may be missing: copy all of it.";
    PastedTwice = "pasted-twice", Warning, Internal, "{it is} {class}, but it seems to have been pasted twice. Paste it once.";
    /// Another vendor's key, which a gateway may take.
    OtherVendor = "other-vendor", Warning, Internal,
        "{it is} {class}. It works only with a gateway that accepts such keys; {provider}'s own API does not accept \
        it.";
    /// The other provider's key, by a shape that others have too.
    LikelyOtherProvider = "likely-other-provider", Warning, Internal,
        "{it} looks like {class}. If it is one, it does not work for {provider}.";
    /// Another kind than was requested, by a shape that others have too.
    LikelyOtherKind = "likely-other-kind", Warning, Internal,
        "{it} looks like {class}, but an {kind} is expected here. Only a gateway would accept it.";
    Empty = "empty", Invalid, KeyMalformed, "{it} is empty. Paste the key.";
    /// More bytes than any key has.
    TooLong = "too-long", Invalid, KeyMalformed, "{it} is {length} bytes long, and no key is longer than {limit} \
        bytes. Paste the key alone.";
    /// A sealed secret of this package.
    Sealed = "sealed", Invalid, KeyMalformed, "{it} is a sealed secret, which only its worker can open. Paste the key itself.";
    WebAddress = "web-address", Invalid, KeyMalformed, "{it} is a web address. Paste the key alone.";
    /// A header's name or scheme in front of it.
    Header = "header", Invalid, KeyMalformed, "{it} begins like an HTTP header. Paste the key alone, without the text before it.";
    Assignment = "assignment", Invalid, KeyMalformed, "{it} begins with the name of a variable. Paste the key alone, without the name and the =.";
    /// A character that nobody sees, such as a zero-width space.
    Invisible = "invisible-characters", Invalid, KeyMalformed,
        "{it} contains an invisible character. Copy it again from where it was issued, not from a document.";
    Quoted = "quotes", Invalid, KeyMalformed, "{it} contains quotation marks. Paste the key without them.";
    WhiteSpace = "white-space", Invalid, KeyMalformed, "{it} contains white space. Paste the key alone, on one line.";
    /// A key as a page shows it afterwards.
    Masked = "masked", Invalid, KeyMalformed,
        "{it} is a key that is partly hidden. A vendor shows a key only once: create a new one if the full key is \
        lost.";
    /// What a program writes for nothing.
    NoValue = "no-value", Invalid, KeyMalformed,
        "{it} is a word that programs print when a value is missing. Check where it comes from: it was never set there.";
    /// The name of a key, or its address, in its place.
    Reference = "reference", Invalid, KeyMalformed,
        "{it} is the name of a key or the place where a key is kept, not the key. Look up the key there and pass the key itself.";
    /// What an example has in the key's place.
    Placeholder = "placeholder", Invalid, KeyMalformed, "{it} is a placeholder from an example. Replace it with your own key.";
    /// What is around a key in a text.
    StrayPunctuation = "stray-punctuation", Invalid, KeyMalformed,
        "{it} begins or ends with punctuation, which is not part of a key. Paste the key alone.";
    /// A byte that no key has, or none of its class.
    ForbiddenCharacters = "forbidden-characters", Invalid, KeyMalformed, "{it} contains characters that do not occur in a key. Paste the key again, and nothing else.";
    WrongProvider = "wrong-provider", Invalid, KeyWrongProvider,
        "{it holds} {class}, which {provider} does not accept. Put it where it belongs, and pass a key for {provider} \
        here.";
    /// Another kind than was requested.
    WrongKind = "wrong-kind", Invalid, KeyWrongProvider,
        "{it holds} {class}, but an {kind} belongs here. Put it where it belongs, and pass an {kind} here.";
    /// A key that opens nothing that a launch does.
    NotForLaunch = "not-for-launch", Invalid, KeyWrongProvider,
        "{it holds} {class}, which is not an {kind} for {provider} and must never reach an agent. Pass an {kind} here.";
    /// A kind that this provider does not take.
    KindNotTaken = "kind-not-taken", Invalid, KeyWrongProvider,
        "This package cannot pass an {kind} to {provider}. Pass a kind of credential that it accepts.";
}

impl KeyFindingCode {
    #[must_use]
    pub fn verdict(self) -> KeyVerdict {
        self.row().verdict
    }

    /// What a launch with the key is refused with; none where it is taken.
    #[must_use]
    pub fn error_code(self) -> Option<ErrorCode> {
        (self.verdict() == KeyVerdict::Invalid).then(|| self.row().error)
    }
}

/// What was found of one key. It holds nothing of the key but its length.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    pub code: KeyFindingCode,
    /// The class of the key, as far as its shape shows it.
    pub class: Option<&'static KeyClass>,
    /// Whose launch it was given for; none where that is not known yet.
    pub provider: Option<&'static Provider>,
    /// The kind of credential that the key was given as.
    pub kind: CredentialKind,
    /// The number of bytes of the key.
    pub length: usize,
}

impl Finding {
    #[must_use]
    pub fn verdict(&self) -> KeyVerdict {
        self.code.verdict()
    }

    /// For a person: what it is, and what to do. `origin` is the name of the field or variable that the key came by;
    /// none on a page that has no other field.
    #[must_use]
    pub fn sentence(&self, origin: Option<&str>) -> String {
        let class = self.class.map_or("a key", |class| class.name);
        let with = |verb: &str| origin.map(|name| format!("{name} {verb}"));
        self.code
            .row()
            .sentence
            .replace("{it is}", &with("is").unwrap_or_else(|| "This is".into()))
            .replace("{it holds}", &with("holds").unwrap_or_else(|| "This is".into()))
            .replace("{it}", origin.unwrap_or(&format!("The {}", self.kind.name())))
            .replace("{class}", class)
            .replace("{kind}", self.kind.name())
            .replace("{provider}", self.provider.map_or("that CLI", |provider| provider.name))
            .replace("{length}", &self.length.to_string())
            .replace("{limit}", &MAX_CREDENTIAL_BYTES.to_string())
    }

    /// The error of a launch that was requested with this key; none where it is taken.
    #[must_use]
    pub fn error(&self, origin: &str) -> Option<Error> {
        let error = Error::new(self.code.error_code()?, self.sentence(Some(origin))).name(origin);
        Some(match self.provider {
            Some(provider) => error.provider(provider.id),
            None => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_what_is_refused_has_an_error_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for code in KeyFindingCode::ALL {
            let FindingRow { error, sentence, .. } = code.row();
            assert!(seen.insert(code.as_str()), "{code:?} twice");
            assert_eq!(code.verdict() == KeyVerdict::Invalid, *error != ErrorCode::Internal, "{code:?}");
            assert!(sentence.ends_with('.'), "{code:?}");
        }
    }
}

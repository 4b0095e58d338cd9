//! What can be found of a key by looking at it: one table of codes, verdicts and sentences.

use crate::error::{Error, ErrorCode};
use crate::net::http;
use crate::provider::{CredentialKind, KeyClass, Provider};
use crate::words::words;

/// The longest credential, in bytes. Tokens of a few KB exist (JWTs); a pipe holds this much without a reader.
pub const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;

// Beside it stand an address and the other headers.
const _: () = assert!(2 * MAX_CREDENTIAL_BYTES <= http::MAX_REQUEST_HEAD_BYTES);

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
            /// What was found of a key, in the order of the documentation.
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
    Fits = "ok", Ok, Internal, "{it is} {class}, by its shape. Only a call to its API tells whether it is accepted.";
    Unfamiliar = "unfamiliar", Warning, Internal,
        "{it} has no shape that is known here. If it is the key of a gateway, that is as it should be; else compare it with what you copied.";
    /// Its vendor's prefix, of no known kind.
    UnknownKind = "unknown-kind", Warning, Internal,
        "{it is} {class}. If it is no {kind} for {provider}, replace it.";
    /// Fewer bytes than any such key has.
    TooShort = "too-short", Warning, Internal,
        "{it is} {class}, and shorter than those are. A part of it may be missing: copy all of it.";
    PastedTwice = "pasted-twice", Warning, Internal, "{it is} {class}, and seems to have been pasted twice. Paste it once.";
    /// Another vendor's key, which a gateway may take.
    OtherVendor = "other-vendor", Warning, Internal,
        "{it is} {class}. It works only with a gateway that takes such keys; {provider}'s own API does not.";
    /// The other provider's key, by a shape that others have too.
    LikelyOtherProvider = "likely-other-provider", Warning, Internal,
        "{it} looks like {class}. If it is one, it does not work for {provider}.";
    /// Another kind than was asked for, by a shape that others have too.
    LikelyOtherKind = "likely-other-kind", Warning, Internal,
        "{it} looks like {class}, and an {kind} is wanted here. Only a gateway takes such a thing.";
    Empty = "empty", Invalid, KeyMalformed, "{it} is empty. Paste the key.";
    /// More bytes than any key has.
    TooLong = "too-long", Invalid, KeyMalformed, "{it} is {length} bytes long; no key is longer than {limit}.";
    /// A sealed secret of this package.
    Sealed = "sealed", Invalid, KeyMalformed, "{it} is a sealed secret, which opens in its worker alone. Give the key itself.";
    WebAddress = "web-address", Invalid, KeyMalformed, "{it} is a web address. Paste the key alone.";
    /// A header's name or scheme in front of it.
    Header = "header", Invalid, KeyMalformed, "{it} begins as a request's header does. Paste the key alone, without what stands before it.";
    Assignment = "assignment", Invalid, KeyMalformed, "{it} begins with a variable's name. Paste the key alone, without the name and the =.";
    /// A character that nobody sees, such as a zero-width space.
    Invisible = "invisible-characters", Invalid, KeyMalformed,
        "{it} has a character in it that cannot be seen. Copy it anew from where it was issued, not from a document.";
    Quoted = "quotes", Invalid, KeyMalformed, "{it} has quotation marks in it. Paste the key without them.";
    WhiteSpace = "white-space", Invalid, KeyMalformed, "{it} has white space in it. Paste the key alone, on one line.";
    /// A key as a page shows it afterwards.
    Masked = "masked", Invalid, KeyMalformed,
        "{it} is a key of which a part was hidden. A vendor shows a key once: make a new one if the whole is lost.";
    /// What a program writes for nothing.
    NoValue = "no-value", Invalid, KeyMalformed,
        "{it} is a word that programs write where there is no value. Look at where it comes from: it was never set there.";
    /// The name of a key, or its address, in its place.
    Reference = "reference", Invalid, KeyMalformed,
        "{it} is the name of a key, or says where one is kept, and is not the key. Look it up there, and give the key itself.";
    /// What an example has in the key's place.
    Placeholder = "placeholder", Invalid, KeyMalformed, "{it} is an example's placeholder. Put your own key in its place.";
    /// What stands around a key in a text.
    StrayPunctuation = "stray-punctuation", Invalid, KeyMalformed,
        "{it} begins or ends with punctuation, which is no part of a key. Paste the key alone.";
    /// A byte that no key has, or none of its class.
    ForbiddenCharacters = "forbidden-characters", Invalid, KeyMalformed, "{it} has characters that no key has. Paste it again, and nothing else.";
    WrongProvider = "wrong-provider", Invalid, KeyWrongProvider,
        "{it holds} {class}, which {provider} does not take. Put it where it belongs, and give {provider}'s own here.";
    /// Another kind than was asked for.
    WrongKind = "wrong-kind", Invalid, KeyWrongProvider,
        "{it holds} {class}, and an {kind} belongs here. Put it where it belongs, and give the right one here.";
    /// A key that opens nothing that a launch does.
    NotForLaunch = "not-for-launch", Invalid, KeyWrongProvider,
        "{it holds} {class}, which is no {kind} for {provider} and must not come near an agent. Give the right one here.";
    /// A kind that this provider does not take.
    KindNotTaken = "kind-not-taken", Invalid, KeyWrongProvider,
        "{provider} takes no {kind} from this package. Give what it takes.";
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
    /// What the key is, as far as its shape tells.
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

    /// The error of a launch that was asked for with this key; none where it is taken.
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

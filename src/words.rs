//! Enums whose variants JavaScript sees as words: each word is stated once, beside its variant.

/// Declares such an enum, with all of its variants in order and the word of each. With the feature `node` it crosses to
/// JavaScript as its word, and its TypeScript type is the union of the words.
macro_rules! words {
    ($(#[$attribute:meta])* pub enum $name:ident { $($(#[$on_variant:meta])* $variant:ident = $word:tt,)+ }) => {
        // Twice, because napi reads the words from its own attribute, which does not exist without napi.
        $(#[$attribute])*
        #[cfg(not(feature = "node"))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$on_variant])* $variant,)+
        }

        $(#[$attribute])*
        #[cfg(feature = "node")]
        #[napi_derive::napi(string_enum)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$on_variant])* #[napi(value = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that JavaScript, logs and the documentation use for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}
pub(crate) use words;

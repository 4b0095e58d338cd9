//! Passes variables of an environment between the core and JavaScript.

use napi::{Env, JsString};
use napi_derive::napi;

use crate::environment::Variable;

/// A variable of an environment, which may hold a secret: so its text is V8's, and no Rust string that nobody wipes. What is
/// no secret crosses as [`PlainVariable`](crate::process::options::PlainVariable). Lists of these cross, and never objects
/// with the variables' names as keys, where `__proto__` would be no variable.
#[napi(object)]
pub struct EnvVariable<'env> {
    #[napi(ts_type = "string")]
    pub name: JsString<'env>,
    #[napi(ts_type = "string")]
    pub value: JsString<'env>,
}

impl<'env> EnvVariable<'env> {
    /// V8 makes the text straight from where it is: a Rust string in between would not be wiped.
    pub fn new(env: &'env Env, name: &str, value: &str) -> napi::Result<Self> {
        Ok(Self { name: env.create_string(name)?, value: env.create_string(value)? })
    }

    /// All of these variables, secret or not.
    pub fn list<'plan>(env: &'env Env, variables: impl Iterator<Item = Variable<'plan>>) -> napi::Result<Vec<Self>> {
        // All input was UTF-8.
        let text = |value| std::str::from_utf8(value).unwrap_or_default();
        variables.map(|variable| Self::new(env, variable.name, text(variable.value))).collect()
    }

    /// The value of the first variable of this name.
    pub fn value_of(variables: &[Self], name: &str) -> napi::Result<Option<String>> {
        for variable in variables {
            if variable.name.into_utf8()?.as_str()? == name {
                return variable.value.into_utf8()?.into_owned().map(Some);
            }
        }
        Ok(None)
    }
}

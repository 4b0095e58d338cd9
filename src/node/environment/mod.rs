//! Building environments, and the variables of this process.

pub mod process_env;
pub mod provider_env;
pub mod variable;
pub mod wire_buffer;

//! The environment of a launch: its rules, the plan, and the wiped block that `execve` gets.

mod block;
mod build;
pub mod forbidden;
mod layout;
mod plan;
mod rules;

pub use block::{EnvBlock, ExecLimits};
pub use build::{BuildContext, build};
pub use plan::{Delivery, EnvNames, EnvPlan, Variable};
pub use rules::{BASE_NAMES, DEFAULT_PATH, EnvRequest, WORKSPACE_ID, Workspace, absolute_path_entries};

#[cfg(test)]
mod tests;

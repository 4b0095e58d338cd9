//! The environment of a launch: its rules, the plan, and the wiped block that `execve` gets.

mod block;
mod build;
mod draft;
pub mod forbidden;
mod layout;
mod limits;
mod plan;
mod request;
mod rules;

pub use block::EnvBlock;
pub use build::{Means, build};
pub use limits::ExecLimits;
pub use plan::{Delivery, EnvNames, EnvPlan, Variable};
pub use request::{BASE_NAMES, EnvRequest, Workspace};
pub use rules::WORKSPACE_ID;

#[cfg(test)]
mod tests;

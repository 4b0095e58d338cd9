//! Any names and values in `set`, `inherit` and `userEnvKeys`: no panic, and a block whose strings are unique,
//! well-formed and free of forbidden names.
#![no_main]

use std::borrow::Cow;
use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use provider_env::credential::Fallbacks;
use provider_env::credential::payload::{Input, Payload};
use provider_env::environment::{Delivery, EnvPlan, EnvRequest, ExecLimits};

#[derive(arbitrary::Arbitrary, Debug)]
struct Given {
    set: Vec<(String, String)>,
    user: Vec<(String, String)>,
    base_url: Option<String>,
    by_fd: bool,
}

fuzz_target!(|given: Given| {
    let Given { set, user, base_url, by_fd } = &given;
    let json = br#"{"apiKey":"made-up-key"}"#;
    let mut payload = Payload::from_message(json, &[]).expect("valid");
    let mut seen = HashSet::new();
    for (name, value) in user.iter().filter(|(name, _)| seen.insert(name.clone())) {
        if payload.add_user_env_key(Cow::Borrowed(name), Input::Borrowed(value.as_bytes())).is_err() {
            return;
        }
    }
    let request = EnvRequest {
        base: vec![("HOME", "/home/x"), ("PATH", "/bin")],
        set: set.iter().map(|(name, value)| (&**name, &**value)).collect(),
        base_url: base_url.as_deref(),
        ..EnvRequest::default()
    };
    let limits = ExecLimits::for_stack(None);
    let Ok(plan) = EnvPlan::new(payload, request, Fallbacks::default(), limits) else { return };
    let delivery = if *by_fd { Delivery::Fd } else { Delivery::Env };
    let Ok(block) = plan.block(delivery, limits, &[]) else { return };
    let mut names = HashSet::new();
    for (index, string) in block.bytes().split_inclusive(|byte| *byte == 0).enumerate() {
        assert!(block.offsets().len() > index && string.ends_with(b"\0"));
        let equals = string.iter().position(|byte| *byte == b'=').expect("a name and a value");
        assert!(equals > 0 && names.insert(string[..equals].to_vec()));
    }
    assert_eq!(names.len(), block.offsets().len());
});

//! The attributes that a caller can set for a child. The JavaScript options arrive in this struct and reach the child
//! in it: a new attribute is a field here, which a step of `child` reads.

use rustix::process::Resource;

/// Attributes of a child. The facade has checked their ranges. A missing attribute is that of the worker, unless its
/// field says otherwise.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Attributes {
    /// The nice value, from 0 to 19. Default: that of the worker, or 0 if that is negative.
    pub priority: Option<u32>,
    /// The `oom_score_adj`, from 0 to 1000. Default: that of the worker, or 0 if that is negative.
    pub oom_score_adj: Option<u32>,
    /// The umask, from 0 to 0o777.
    pub umask: Option<u32>,
    pub limits: Option<Limits>,
}

impl Attributes {
    /// The options of these that are whole numbers, each with the largest that it takes: setpriority(2),
    /// proc_pid_oom_score_adj(5), umask(2).
    pub const NUMBERS: [(&'static str, u32); 3] = [("priority", 19), ("oomScoreAdj", 1000), ("umask", 0o777)];

    /// The names of the options that a caller gave.
    pub fn given(self) -> impl Iterator<Item = &'static str> {
        let Self { priority, oom_score_adj, umask, limits } = self;
        let numbers: [Option<u32>; Self::NUMBERS.len()] = [priority, oom_score_adj, umask];
        let numbers = Self::NUMBERS.into_iter().zip(numbers).filter_map(|((name, _), value)| value.map(|_| name));
        numbers.chain(limits.map(|_| "limits"))
    }
}

/// Resource limits, soft and hard.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Limits {
    /// `RLIMIT_CORE`, in bytes. If it is missing or 0, the value that also keeps the kernel from dumping into a
    /// program.
    pub core_bytes: Option<i64>,
    /// `RLIMIT_NOFILE`: one more than the highest descriptor.
    pub open_files: Option<i64>,
    /// `RLIMIT_NPROC`: processes and threads of the user, in the whole machine.
    pub processes: Option<i64>,
    /// `RLIMIT_AS`, in bytes.
    pub memory_bytes: Option<i64>,
    /// `RLIMIT_CPU`, in seconds.
    pub cpu_seconds: Option<i64>,
}

impl Limits {
    const ROWS: [(&'static str, Resource); 5] = [
        ("limits.coreBytes", Resource::Core),
        ("limits.openFiles", Resource::Nofile),
        ("limits.processes", Resource::Nproc),
        ("limits.memoryBytes", Resource::As),
        ("limits.cpuSeconds", Resource::Cpu),
    ];

    /// The names that `limits` may hold.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ROWS.into_iter().filter_map(|(option, _)| option.strip_prefix("limits."))
    }

    #[cfg(target_os = "linux")]
    fn given(self) -> impl Iterator<Item = Limit> {
        let Self { core_bytes, open_files, processes, memory_bytes, cpu_seconds } = self;
        let values: [Option<i64>; Self::ROWS.len()] = [core_bytes, open_files, processes, memory_bytes, cpu_seconds];
        Self::ROWS.into_iter().zip(values).filter_map(|((option, resource), value)| {
            Some(Limit { resource: resource as u32, value: value?.max(0).cast_unsigned(), option })
        })
    }
}

/// A limit as the kernel takes it.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// One of `RLIMIT_*`.
    pub resource: u32,
    pub value: u64,
    /// The option that asks for it.
    pub option: &'static str,
}

#[cfg(target_os = "linux")]
impl Attributes {
    /// The limits of a child, those among them that it has without being asked.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        let limits = self.limits.unwrap_or_default();
        let core = limits.core_bytes.filter(|bytes| *bytes > 0).unwrap_or(super::harden::NO_CORE.cast_signed());
        // Else a worker that may raise its priority hands that on (getrlimit(2)). Anybody may lower these two.
        let priorities = [Resource::Nice, Resource::Rtprio];
        let none = priorities.map(|resource| Limit { resource: resource as u32, value: 0, option: "limits" });
        Limits { core_bytes: Some(core), ..limits }.given().chain(none).collect()
    }
}

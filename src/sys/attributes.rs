//! The attributes that a child can be given. The JavaScript options arrive in this struct and reach the child in it: a new
//! attribute is a field here, which a step of `child` reads. Their names and ranges are in `process/options.rs`.

#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
impl Limits {
    fn given(self) -> impl Iterator<Item = Limit> {
        let Self { core_bytes, open_files, processes, memory_bytes, cpu_seconds } = self;
        let values = [
            (Resource::Core, core_bytes),
            (Resource::Nofile, open_files),
            (Resource::Nproc, processes),
            (Resource::As, memory_bytes),
            (Resource::Cpu, cpu_seconds),
        ];
        let given = |(resource, value): (Resource, Option<i64>)| Some((resource, value?.max(0).cast_unsigned()));
        values.into_iter().filter_map(given).map(|(resource, value)| Limit { resource, value })
    }
}

/// A limit as the kernel takes it, soft and hard.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub resource: Resource,
    pub value: u64,
}

#[cfg(target_os = "linux")]
impl Attributes {
    /// The limits of a child, including those that it gets without being given any.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        let limits = self.limits.unwrap_or_default();
        let core = limits.core_bytes.filter(|bytes| *bytes > 0).unwrap_or(super::harden::NO_CORE.cast_signed());
        // Else a worker that may raise its priority hands that on (getrlimit(2)). Anybody may lower these two.
        let none = [Resource::Nice, Resource::Rtprio].map(|resource| Limit { resource, value: 0 });
        Limits { core_bytes: Some(core), ..limits }.given().chain(none).collect()
    }
}

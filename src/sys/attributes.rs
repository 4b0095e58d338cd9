//! The attributes that a caller can set for a child. The JavaScript options arrive in this struct and reach the child
//! in it: a new attribute is a field here, which a step of `child` reads.

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

/// A limit as the kernel takes it.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// `RLIMIT_*`
    pub resource: u32,
    pub value: u64,
    /// The option that asks for it.
    pub option: &'static str,
}

#[cfg(target_os = "linux")]
impl Attributes {
    /// The limits of a child, those among them that it has without being asked.
    #[must_use]
    #[allow(clippy::unnecessary_cast, reason = "the type of RLIMIT_* is another one on musl")]
    pub fn limits(&self) -> Vec<Limit> {
        let limits = self.limits.unwrap_or_default();
        let core = limits.core_bytes.filter(|bytes| *bytes > 0).unwrap_or(super::harden::NO_CORE.cast_signed());
        let rows = [
            (libc::RLIMIT_CORE, "limits.coreBytes", Some(core)),
            (libc::RLIMIT_NOFILE, "limits.openFiles", limits.open_files),
            (libc::RLIMIT_NPROC, "limits.processes", limits.processes),
            (libc::RLIMIT_AS, "limits.memoryBytes", limits.memory_bytes),
            (libc::RLIMIT_CPU, "limits.cpuSeconds", limits.cpu_seconds),
            // Else a worker that may raise its priority hands that on (getrlimit(2)). Anybody may lower these two.
            (libc::RLIMIT_NICE, "limits", Some(0)),
            (libc::RLIMIT_RTPRIO, "limits", Some(0)),
        ];
        let set = rows.into_iter().filter_map(|(resource, option, value)| {
            Some(Limit { resource: resource as u32, value: value?.max(0).cast_unsigned(), option })
        });
        set.collect()
    }
}

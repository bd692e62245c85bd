//! What differs between Linux and other systems: looking at processes and waiting for those of others.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "on Linux only its tests use it"))]
mod portable;

#[cfg(target_os = "linux")]
pub(super) use linux::{Watch, birth, boot, carries, handle, limit_open_files, memory, memory_free, oom_kills, scan};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Watch, birth, boot, carries, handle, limit_open_files, memory, memory_free, oom_kills, scan};

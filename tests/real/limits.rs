//! A control group with little memory, as a container's limit makes one: of either version, whichever is mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::net::eventually;

/// It is gone with its owner, once nothing runs in it.
pub(crate) struct Memory {
    folder: PathBuf,
    files: &'static Files,
}

/// How the files of a version are called.
struct Files {
    most: &'static str,
    swap: (&'static str, u64),
    peak: &'static str,
}

static V1: Files = Files {
    most: "memory.limit_in_bytes",
    swap: ("memory.swappiness", 0),
    peak: "memory.max_usage_in_bytes",
};
static V2: Files = Files { most: "memory.max", swap: ("memory.swap.max", 0), peak: "memory.peak" };

impl Memory {
    /// One that may use so many bytes, and no swap.
    pub(crate) fn of(bytes: u64) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc is mounted");
        let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
        let v1 = mounts.iter().find(|m| m[2] == "cgroup" && m[3].split(',').any(|option| option == "memory"));
        let v2 =
            mounts.iter().find(|m| m[2] == "cgroup2" && has_memory(Path::new(m[1]), "cgroup.controllers"));
        let (top, files) = match (v1, v2) {
            (Some(mount), _) => (Path::new(mount[1]), &V1),
            (None, Some(mount)) => (delegating(Path::new(mount[1])), &V2),
            (None, None) => panic!("neither version of control groups is mounted with its memory controller"),
        };
        let group = Self { folder: top.join(format!("prereq-{}", std::process::id())), files };
        fs::create_dir(&group.folder).expect("a control group can be made");
        group.set(files.most, bytes);
        if group.folder.join(files.swap.0).exists() {
            group.set(files.swap.0, files.swap.1);
        }
        group
    }

    fn set(&self, file: &str, value: u64) {
        fs::write(self.folder.join(file), value.to_string()).expect(file);
    }

    /// What a shell that was started by this process says to get in. `ip netns exec` hides /sys, but not the parent's.
    pub(crate) fn enter(&self) -> String {
        format!("echo $$ >/proc/$PPID/root{}/cgroup.procs", self.folder.display())
    }

    /// The most that was ever used, in bytes; the kernel counts it by version 2 since Linux 5.19.
    pub(crate) fn peak(&self) -> u64 {
        let peak = fs::read_to_string(self.folder.join(self.files.peak)).expect(self.files.peak);
        peak.trim().parse().expect("a number")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What was in it may be a moment in ending.
        eventually("the control group can be removed", Duration::from_secs(3), || {
            fs::remove_dir(&self.folder).is_ok() || !self.folder.exists()
        });
    }
}

fn has_memory(top: &Path, file: &str) -> bool {
    fs::read_to_string(top.join(file)).is_ok_and(|list| list.split_whitespace().any(|name| name == "memory"))
}

/// A group of version 2 that hands memory on to those in it. A container's own may only do so when no process is in it:
/// they are moved to one beside the new ones.
fn delegating(top: &Path) -> &Path {
    let on = || has_memory(top, "cgroup.subtree_control");
    eventually("memory is handed on to control groups", Duration::from_secs(3), || {
        if !on() && fs::write(top.join("cgroup.subtree_control"), "+memory").is_err() {
            let others = top.join("prereq-others");
            let _ = fs::create_dir(&others);
            for pid in fs::read_to_string(top.join("cgroup.procs")).unwrap_or_default().lines() {
                // One that has ended, or belongs to the kernel.
                let _ = fs::write(others.join("cgroup.procs"), pid);
            }
        }
        on()
    });
    top
}

//! The memory of this process, as Linux tells it; other systems are not asked.

use std::fs;

/// Bytes of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// In memory now.
    pub(super) resident: u64,
    /// Of that, pages of files: the program itself, and the emulator's database, which it maps.
    pub(super) files: u64,
    /// The most since [`forget_peak`].
    pub(super) peak: u64,
}

impl Memory {
    pub(super) fn now() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
            Some(kilobytes * 1_024)
        };
        Some(Self {
            resident: bytes("VmRSS:")?,
            files: bytes("RssFile:")?,
            peak: bytes("VmHWM:")?,
        })
    }

    /// What is resident without pages of files.
    pub(super) const fn own(self) -> u64 {
        self.resident.saturating_sub(self.files)
    }

    /// The peak without the pages of files that are resident now: they come one by one and stay.
    pub(super) const fn own_peak(self) -> u64 {
        self.peak.saturating_sub(self.files)
    }
}

/// Lets the peak begin again at what is resident now; where the system refuses, it goes on from the start.
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

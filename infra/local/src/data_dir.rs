//! What a stack keeps between runs: its secrets, its verified domains and its clock. The tables are kept beside them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use apropos_aws::random;
use apropos_core::link::{InvalidKeyRing, KeyRing};
use apropos_core::suppression::{Pepper, WeakPepper};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a directory of data could not be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// A file could not be read or written.
    #[error("{} could not be read or written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than what this program writes.
    #[error("{} is not a file that this program wrote", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// No stack has kept anything there.
    #[error("{} is not the data directory of a stack", path.display())]
    Nothing {
        /// The directory.
        path: PathBuf,
    },
    /// The path cannot be given to SQLite.
    #[error("the path of the data directory is not UTF-8")]
    Path,
    /// The kept link keys cannot be used.
    #[error("the kept link keys cannot be used")]
    Keys(#[from] InvalidKeyRing),
    /// The kept pepper cannot be used.
    #[error("the kept pepper cannot be used")]
    Pepper(#[from] WeakPepper),
    /// The system has no randomness to make secrets from.
    #[error("no secret could be made")]
    Random(#[source] apropos_aws::StoreError),
}

/// The secrets of a stack.
pub(crate) struct Secrets {
    pub(crate) ring: KeyRing,
    pub(crate) pepper: Pepper,
}

/// The secrets as their file holds them, in the forms that the functions read from their environment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSecrets {
    link_keys: String,
    pepper: String,
}

impl StoredSecrets {
    fn make() -> Result<Self, DataDirError> {
        let secret = || random::<32>().map(|bytes| hex(&bytes)).map_err(DataDirError::Random);
        Ok(Self {
            link_keys: format!(r#"{{"1": "{}"}}"#, secret()?),
            pepper: secret()?,
        })
    }

    fn read(&self) -> Result<Secrets, DataDirError> {
        Ok(Secrets {
            ring: KeyRing::parse(&self.link_keys)?,
            pepper: Pepper::new(&self.pepper)?,
        })
    }
}

/// Secrets that end with the process.
pub(crate) fn passing_secrets() -> Result<Secrets, DataDirError> {
    StoredSecrets::make()?.read()
}

/// A directory of data.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Takes a directory, and makes it if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        fs::create_dir_all(path).map_err(|source| DataDirError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(path.to_owned()))
    }

    /// Takes the directory of a stack that ran before; makes nothing.
    pub(crate) fn existing(path: &Path) -> Result<Self, DataDirError> {
        if path.join(DATABASE).is_file() {
            Ok(Self(path.to_owned()))
        } else {
            Err(DataDirError::Nothing { path: path.to_owned() })
        }
    }

    /// The database's file.
    pub(crate) fn database(&self) -> Result<String, DataDirError> {
        let path = self.0.join(DATABASE).into_os_string();
        path.into_string().ok().ok_or(DataDirError::Path)
    }

    /// The kept secrets, or new ones that are kept from now on, so that links in messages go on working.
    pub(crate) fn secrets(&self) -> Result<Secrets, DataDirError> {
        let path = self.0.join("secrets.json");
        if let Some(text) = read(&path)? {
            let stored: StoredSecrets = serde_json::from_str(&text)
                .ok()
                .ok_or_else(|| DataDirError::Foreign { path: path.clone() })?;
            return stored.read();
        }
        let made = StoredSecrets::make()?;
        // A struct of two texts is always written.
        write_private(&path, &serde_json::to_string_pretty(&made).unwrap_or_default())?;
        made.read()
    }

    /// The domains that may send.
    pub(crate) fn domains(&self) -> Result<Vec<String>, DataDirError> {
        let text = read(&self.0.join(DOMAINS))?.unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Keeps a domain that may send.
    pub(crate) fn add_domain(&self, domain: &str) -> Result<(), DataDirError> {
        let mut domains = self.domains()?;
        if domains.iter().any(|known| known == domain) {
            return Ok(());
        }
        domains.push(domain.to_owned());
        write(&self.0.join(DOMAINS), &(domains.join("\n") + "\n"))
    }

    /// The time at which the stack last noted it.
    pub(crate) fn clock(&self) -> Result<Option<Timestamp>, DataDirError> {
        let path = self.0.join(CLOCK);
        read(&path)?
            .map(|text| text.trim().parse().ok().ok_or(DataDirError::Foreign { path }))
            .transpose()
    }

    /// Notes the time: a stack that starts again must not go back, or caps and claims would lie in its future.
    pub(crate) fn note_clock(&self, now: Timestamp) -> Result<(), DataDirError> {
        write(&self.0.join(CLOCK), &format!("{now}\n"))
    }
}

const DATABASE: &str = "tables.sqlite";
const DOMAINS: &str = "verified-domains";
const CLOCK: &str = "clock";

fn read(path: &Path) -> Result<Option<String>, DataDirError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DataDirError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

fn write(path: &Path, text: &str) -> Result<(), DataDirError> {
    fs::write(path, text).map_err(|source| DataDirError::File {
        path: path.to_owned(),
        source,
    })
}

/// Makes a file that only its owner can read; where files have no such modes, the directory's own rules hold.
fn write_private(path: &Path, text: &str) -> Result<(), DataDirError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| DataDirError::File {
            path: path.to_owned(),
            source,
        })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

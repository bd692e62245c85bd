//! The environment of a process, made from nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::identity::COOKIE;
use super::{Launch, StartError};
use crate::secret::SecretString;
use crate::supervisor::agent::SecretRef;
use crate::supervisor::diagnosis::StartFailure;
use crate::{Error, ErrorKind};

const LARGEST_SECRET: u64 = 64 * 1024;

/// The secrets of the host, which agents are given by reference only.
///
/// ```
/// use everreach_core::supervisor::Secrets;
/// let secrets = Secrets::new([("OPENAI_API_KEY".to_owned(), "sk-1".into())]);
/// assert!(!format!("{secrets:?}").contains("sk-1"));
/// ```
#[derive(Clone, Default)]
pub struct Secrets {
    environment: HashMap<String, SecretString>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("names", &self.environment.len()).finish_non_exhaustive()
    }
}

impl Secrets {
    /// What `env:NAME` refers to.
    #[must_use]
    pub fn new(environment: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        Self { environment: environment.into_iter().collect() }
    }

    fn resolve(&self, name: &str, reference: &SecretRef) -> Result<SecretString, StartError> {
        let refused = |sentence: &'static str| {
            let error = Error::new(ErrorKind::Config, sentence).with("secret", name).with("reference", reference);
            StartError::new(StartFailure::Misconfigured, error)
        };
        match reference {
            SecretRef::Environment(variable) => self
                .environment
                .get(variable)
                .cloned()
                .ok_or_else(|| refused("the host was started without this variable: set it")),
            SecretRef::File(path) => read_file(Path::new(path)).map_err(refused),
        }
    }
}

fn read_file(path: &Path) -> Result<SecretString, &'static str> {
    let unreadable = "the file of the secret cannot be read";
    let metadata = fs::metadata(path).map_err(|_| unreadable)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err("others can read the file of the secret: chmod 600");
    }
    if metadata.len() > LARGEST_SECRET {
        return Err("the file of the secret is longer than 64 KiB");
    }
    let text = fs::read_to_string(path).map_err(|_| unreadable)?;
    if text.contains('\0') {
        return Err("the file of the secret holds a NUL byte");
    }
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

/// All variables of a process: the base, what the definition says, its secrets, and ours.
pub(super) fn build(
    base: &BTreeMap<String, String>,
    secrets: &Secrets,
    launch: &Launch,
) -> Result<BTreeMap<String, String>, StartError> {
    let mut variables = base.clone();
    variables.extend(launch.definition.env.clone());
    for (name, reference) in &launch.definition.secrets {
        variables.insert(name.clone(), secrets.resolve(name, reference)?.expose_secret().to_owned());
    }
    variables.extend(launch.extra.clone());
    variables.insert("EVERREACH_AGENT_ID".to_owned(), launch.definition.agent_id.to_string());
    variables.insert(COOKIE.to_owned(), launch.incarnation.to_string());
    Ok(variables)
}

//! Who did not end, or did not come up, and why.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::super::NodeError;
use crate::host::{Answer, AskError, reason};
use crate::kubernetes::Component;
use crate::x509::escape_for_terminal;

/// No more of another program's words than this.
const WORDS: usize = 300;

/// What a component said last that does not answer as it should.
#[derive(Debug)]
pub enum ProbeFailure {
    /// There is no answer.
    Unasked(AskError),
    /// It says that it is not well.
    Unwell(Answer),
    /// The files that it takes to ask cannot be read.
    Unreadable(String, io::Error),
}

/// Who does not answer as it should.
#[derive(Debug)]
pub struct Unwell {
    /// The component.
    pub component: Component,
    /// Where it was asked: `https://127.0.0.1:2379/health`.
    pub url: String,
    /// What came back last.
    pub last: ProbeFailure,
}

/// Who did not come up.
#[derive(Debug, Error)]
pub enum StartFailure {
    /// It does not answer as it should.
    #[error("{} was not well within {}: {}: {}", unwell.component.name(), Period(*within), unwell.url, unwell.last)]
    Unwell {
        /// Who, and what it said last.
        unwell: Box<Unwell>,
        /// How long it had.
        within: Duration,
    },
    /// systemctl did not start it; what it said.
    #[error("systemctl did not restart {}: {}", .0.name(), words(.1))]
    Service(Component, String),
    /// Its manifest could not be put back.
    #[error("a manifest was not put back: {0}")]
    Manifest(Box<NodeError>),
}

/// Why a restart did not come to its end.
#[derive(Debug, Error)]
pub enum RestartError {
    /// The files are not those of the host that this runs on; nothing was touched.
    #[error("--restart is for the host that runs it, and --root names another place")]
    OtherRoot,
    /// There is no systemctl on PATH; nothing was touched.
    #[error("--restart needs systemctl, and there is none on PATH")]
    NoSystemctl,
    /// Nobody here starts this component; nothing was touched.
    #[error(
        "{} must restart, and is neither a static pod of /etc/kubernetes/manifests nor a service of systemd",
        .0.name()
    )]
    Unmanaged(Component),
    /// The files could not be swapped. Everybody has been started again.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// These did not end. Nothing was changed, and everybody has been started again.
    #[error("{} did not end within {}", Component::list(components), Period(*within))]
    Running {
        /// Who did not.
        components: Vec<Component>,
        /// How long they had.
        within: Duration,
    },
    /// Somebody did not come up, and was not well before either: the new files stay.
    #[error("{0}")]
    Unwell(StartFailure),
    /// Somebody did not come up: the files before are back, and everybody has been started with them.
    #[error("{failure}\n{}", back(still.as_ref()))]
    Back {
        /// Who did not.
        failure: StartFailure,
        /// Who did not come up then either.
        still: Option<StartFailure>,
    },
    /// Somebody did not come up, and the files before could not be brought back.
    #[error("{failure}\nand the files before could not be brought back: {cause}")]
    Stuck {
        /// Who did not.
        failure: StartFailure,
        /// What went wrong on the way back.
        cause: NodeError,
    },
}

fn back(still: Option<&StartFailure>) -> String {
    match still {
        None => "the files before are back, and everything is started and well with them".to_owned(),
        Some(still) => format!("the files before are back, but with them, too, {still}"),
    }
}

impl Display for ProbeFailure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked(error) => error.fmt(formatter),
            Self::Unwell(answer) => {
                let lines = || answer.body.lines().map(str::trim).filter(|line| !line.is_empty());
                // Of a long list what failed: `[-]etcd failed: reason withheld`.
                let failed: Vec<_> = lines().filter(|line| line.starts_with("[-]")).collect();
                let said =
                    if failed.is_empty() { lines().next().unwrap_or_default().to_owned() } else { failed.join(" ") };
                formatter.write_str(format!("HTTP {} {}", answer.status, words(&said)).trim_end())
            }
            Self::Unreadable(place, error) => write!(formatter, "cannot read {place}: {}", reason(error)),
        }
    }
}

/// Words of another program, for a terminal.
fn words(text: &str) -> String {
    escape_for_terminal(&text.split_whitespace().collect::<Vec<_>>().join(" ")).chars().take(WORDS).collect()
}

/// `5 min`, `90 s`.
struct Period(Duration);

impl Display for Period {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds.is_multiple_of(60) {
            write!(formatter, "{} min", seconds / 60)
        } else {
            write!(formatter, "{seconds} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{AlertDescription, CertificateError, Error};

    use super::{Period, ProbeFailure};
    use crate::host::{Answer, AskError};

    #[test]
    fn answers_are_told_in_one_line() {
        let answer = |status, body: &str| ProbeFailure::Unwell(Answer { status, body: body.to_owned() }).to_string();
        assert_eq!(answer(503, "{\"health\":\"false\"}\n"), "HTTP 503 {\"health\":\"false\"}");
        let list = "[+]ping ok\n[-]etcd failed: reason withheld\n[-]log ok\nhealthz check failed\n";
        assert_eq!(answer(500, list), "HTTP 500 [-]etcd failed: reason withheld [-]log ok");
        assert_eq!(answer(500, ""), "HTTP 500");
        assert_eq!(answer(500, "\u{1b}[2J"), "HTTP 500 \\u{1b}[2J");
        assert_eq!(answer(500, &"x".repeat(5_000)).len(), "HTTP 500 ".len() + 300);
    }

    #[test]
    fn distrust_is_told_in_the_words_of_its_side() {
        for (error, text) in [
            (CertificateError::UnknownIssuer.into(), "its certificate is signed by an unknown authority"),
            (CertificateError::NotValidForName.into(), "its certificate is not for this address"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "it refuses our certificate: UnknownCA"),
        ] {
            assert_eq!(ProbeFailure::Unasked(AskError::Tls(error)).to_string(), text);
        }
    }

    #[test]
    fn a_wait_is_told_in_its_unit() {
        assert_eq!(Period(Duration::from_secs(300)).to_string(), "5 min");
        assert_eq!(Period(Duration::from_secs(90)).to_string(), "90 s");
    }
}

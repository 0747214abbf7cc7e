//! The errors of a restart: which component did not end or did not come up, and why.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::time::Duration;

use thiserror::Error;

use super::super::NodeError;
use crate::host::{Answer, AskError, reason};
use crate::kubernetes::Component;
use crate::x509::escape_for_terminal;

/// The most characters of another program's words in a message.
const WORDS: usize = 300;

/// The last answer of a component that is not well, or the reason why there is none.
#[derive(Debug)]
pub enum ProbeFailure {
    /// The component does not answer.
    Unasked(AskError),
    /// The component answers that it is not well.
    Unwell(Answer),
    /// A file that is needed to ask cannot be read: its place, and the error.
    Unreadable(String, io::Error),
}

/// A component that does not answer as it should.
#[derive(Debug)]
pub struct Unwell {
    /// The component.
    pub component: Component,
    /// The URL at which it was asked, such as `https://127.0.0.1:2379/health`.
    pub url: String,
    /// The last answer.
    pub last: ProbeFailure,
}

/// A component that did not come up.
#[derive(Debug, Error)]
pub enum StartFailure {
    /// The component does not answer as it should.
    #[error("{} was not well within {}: {}: {}", unwell.component.name(), Period(*within), unwell.url, unwell.last)]
    Unwell {
        /// The component and its last answer.
        unwell: Box<Unwell>,
        /// The time that it had.
        within: Duration,
    },
    /// systemctl did not restart the component: its answer is the text.
    #[error("systemctl did not restart {}: {}", .0.name(), words(.1))]
    Service(Component, String),
    /// The manifest of a component could not be put back.
    #[error("a manifest was not put back: {0}")]
    Manifest(Box<NodeError>),
}

/// The reason why a restart was not completed.
#[derive(Debug, Error)]
pub enum RestartError {
    /// The files are not those of the host that this runs on. Nothing was changed.
    #[error("--restart is for the host that runs it, and --root names another place")]
    OtherRoot,
    /// There is no systemctl on PATH. Nothing was changed.
    #[error("--restart needs systemctl, and there is none on PATH")]
    NoSystemctl,
    /// The component is neither a static pod nor a service of systemd. Nothing was changed.
    #[error(
        "{} must restart, and is neither a static pod of /etc/kubernetes/manifests nor a service of systemd",
        .0.name()
    )]
    Unmanaged(Component),
    /// The files could not be read or swapped. What was stopped has been started again.
    #[error("{0}")]
    Node(#[from] NodeError),
    /// Components did not end. No file was changed, and what was stopped has been started again.
    #[error("{} did not end within {}", Component::list(components), Period(*within))]
    Running {
        /// The components that did not end.
        components: Vec<Component>,
        /// The time that they had.
        within: Duration,
    },
    /// A component did not come up, and the files before promise no better, as when it was not well with them either.
    /// The new files stay.
    #[error("{0}")]
    Unwell(StartFailure),
    /// A component did not come up. The files before are back, and the components have been started with them.
    #[error("{failure}\n{}", back(still.as_ref()))]
    Back {
        /// The component that did not come up.
        failure: StartFailure,
        /// The component that did not come up with the files before either, if any.
        still: Option<StartFailure>,
    },
    /// A component did not come up, and the files before could not be brought back.
    #[error("{failure}\nand the files before could not be brought back: {cause}")]
    Stuck {
        /// The component that did not come up.
        failure: StartFailure,
        /// The error on the way back.
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
                // Of a long list, only what failed: `[-]etcd failed: reason withheld`.
                let failed: Vec<_> = lines().filter(|line| line.starts_with("[-]")).collect();
                let said =
                    if failed.is_empty() { lines().next().unwrap_or_default().to_owned() } else { failed.join(" ") };
                formatter.write_str(format!("HTTP {} {}", answer.status, words(&said)).trim_end())
            }
            Self::Unreadable(place, error) => write!(formatter, "cannot read {place}: {}", reason(error)),
        }
    }
}

/// Returns the words of another program in a form for a terminal.
fn words(text: &str) -> String {
    escape_for_terminal(&text.split_whitespace().collect::<Vec<_>>().join(" ")).chars().take(WORDS).collect()
}

/// A time that is written as `5 min` or `90 s`.
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

//! `--restart`: whoever reads the files starts anew around the change.

use std::path::Path;
use std::time::Duration;

use crate::cli::args::RestartArguments;
use crate::cli::command::apply::is_whole_host;
use crate::cli::failure::{Failure, io_reason};
use crate::cli::text;
use crate::cli::text::restart::{Hands, list};
use crate::host::{self, AskError};
use crate::node::restart::{self, Effect, Progress, Restart, RestartError, Silence, Trouble, Unfinished};
use crate::node::{NodeError, Session};
use crate::x509::printable;

/// No more of a server's words than this.
const WORDS: usize = 300;

/// Refuses a restart that cannot be on this host, before anything is looked at.
pub(crate) fn check(arguments: &RestartArguments, root: &Path) -> Result<(), Failure> {
    if !arguments.restart {
        return Ok(());
    }
    if !is_whole_host(root) {
        return Err(Failure::cannot_run("--restart is for the host that runs it, and --root names another place")
            .hint("leave one of the two out: on a disk that is mounted nothing runs"));
    }
    if !host::is_installed("systemctl") {
        return Err(Failure::cannot_run("--restart needs systemctl, and there is none on PATH")
            .hint("without --restart the same command changes the files, and says what to restart, in order"));
    }
    Ok(())
}

/// Makes a change; with `--restart` stops and starts around it whoever reads the files. The effect then is that of an
/// earlier run, too, whose restart was cut short, and `hands` tells who has restarted.
pub(crate) fn around(
    arguments: &RestartArguments,
    is_quiet: bool,
    session: &Session<'_>,
    effect: &mut Effect,
    hands: &mut Hands,
    change: impl FnOnce() -> Result<(), NodeError>,
) -> Result<(), Failure> {
    let failure = |error| text::node::failure(&error);
    let unfinished = Unfinished::of(session.tree()).map_err(failure)?;
    effect.restarts.extend(unfinished.restarts.iter().chain(&unfinished.away));
    if !arguments.restart {
        return change().map_err(failure);
    }
    let time = arguments.wait;
    let tell = |progress: &Progress<'_>| {
        if !is_quiet {
            host::tell(&text::restart::progress(progress, &|trouble| describe(trouble, time)));
        }
    };
    let done = match Restart::prepare(session, effect, time).map_err(|error| explain(error, time))? {
        None => return change().map_err(failure),
        Some(restart) => restart.run(change, tell).map_err(|error| explain(error, time))?,
    };
    *hands = Hands::Restarted { later: done.later };
    Ok(())
}

/// Puts back what a run that was cut short has left away, and says so.
pub(crate) fn put_back(session: Option<&Session<'_>>) {
    let Some(session) = session else { return };
    match restart::put_back(session) {
        Ok(unfinished) if unfinished.away.is_empty() => {}
        Ok(unfinished) => {
            let pods = list(&unfinished.away);
            host::tell(&format!("{pods} had been stopped by a run that was cut short; the manifests are back\n"));
        }
        Err(error) => {
            host::tell(&format!("warning: static pods stay stopped: {}", text::node::failure(&error).text()));
        }
    }
}

fn explain(error: RestartError, time: Duration) -> Failure {
    const LOOK: &str = "`crictl ps -a` and `crictl logs ID` say why, or `journalctl -u kubelet`";
    match error {
        RestartError::Unmanaged(component) => Failure::cannot_run(format!(
            "{} must restart, and is neither a static pod of /etc/kubernetes/manifests nor a service of systemd",
            component.name()
        ))
        .hint("without --restart the same command changes the files, and you restart it as you started it; nothing was changed"),
        RestartError::Node(error) => text::node::failure(&error),
        RestartError::Running(components) => {
            let names = list(&components);
            Failure::says_no(format!("{names} did not end within {}", period(time)))
                .hint(format!("no file was changed, and the manifests are back; {LOOK}"))
        }
        RestartError::Unwell(trouble) => Failure::says_no(describe(&trouble, time)).hint(format!(
            "it was not well before either: the new files stay, and the rest was started; {LOOK}; \
             `certferry rollback --restart` brings the files before back"
        )),
        RestartError::Back { trouble, still: None } => Failure::says_no(format!(
            "{}\nthe files before are back, and everything is started and well with them",
            describe(&trouble, time)
        ))
        .hint(format!("{LOOK}; `certferry rollback` would now bring the files that failed")),
        RestartError::Back { trouble, still: Some(still) } => Failure::says_no(format!(
            "{}\nthe files before are back, but with them, too, {}",
            describe(&trouble, time),
            describe(&still, time)
        ))
        .hint(LOOK),
        RestartError::Stuck { trouble, cause } => Failure::cannot_run(format!(
            "{}\nand the files before could not be brought back: {}",
            describe(&trouble, time),
            text::node::failure(&cause).message()
        ))
        .hint("mend the cause, then `certferry rollback --restart`"),
    }
}

/// Who did not come up, and why.
fn describe(trouble: &Trouble, time: Duration) -> String {
    match trouble {
        Trouble::Unwell(unwell) => {
            let (name, last) = (unwell.component.name(), silence(&unwell.last));
            format!("{name} was not well within {}: {}: {last}", period(time), unwell.url)
        }
        Trouble::Service(component, reason) => {
            format!("systemctl did not restart {}: {}", component.name(), words(reason))
        }
        Trouble::Manifest(error) => {
            format!("a manifest was not put back: {}", text::node::failure(error).message())
        }
    }
}

fn silence(silence: &Silence) -> String {
    match silence {
        Silence::Unasked(error) => why_unasked(error),
        Silence::Unwell(answer) => {
            let lines = || answer.body.lines().map(str::trim).filter(|line| !line.is_empty());
            // Of a long list what failed: `[-]etcd failed: reason withheld`.
            let failed: Vec<_> = lines().filter(|line| line.starts_with("[-]")).collect();
            let said = if failed.is_empty() { lines().next().unwrap_or_default().to_owned() } else { failed.join(" ") };
            format!("HTTP {} {}", answer.status, words(&said)).trim_end().to_owned()
        }
        Silence::Unreadable(place, error) => format!("cannot read {place}: {}", io_reason(error)),
    }
}

fn why_unasked(error: &AskError) -> String {
    use rustls::{CertificateError, Error};
    match error {
        AskError::Io(error) => io_reason(error),
        AskError::NotHttp => "what answers there does not speak HTTP".to_owned(),
        AskError::Unusable(reason) => format!("our own certificate or key cannot be used: {reason}"),
        AskError::Tls(Error::InvalidCertificate(reason)) => match reason {
            CertificateError::UnknownIssuer => "its certificate is signed by an unknown authority".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is not for this address".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet".to_owned()
            }
            other => format!("its certificate is no good: {other}"),
        },
        AskError::Tls(Error::AlertReceived(alert)) => format!("it refuses our certificate: {alert:?}"),
        AskError::Tls(other) => other.to_string(),
    }
}

/// Words of another program, for a terminal.
fn words(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" ")).chars().take(WORDS).collect()
}

fn period(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

impl Hands {
    /// A person's, who must know which components are static pods.
    pub(crate) fn of_person(tree: &host::NodeTree) -> Result<Self, Failure> {
        let pods = restart::static_pods(tree).map_err(|error| text::node::failure(&error))?;
        Ok(Self::Person { pods })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{AlertDescription, CertificateError, Error};

    use super::{AskError, Silence, period, silence};
    use crate::host::Answer;

    #[test]
    fn answers_are_told_in_one_line() {
        let answer = |status, body: &str| silence(&Silence::Unwell(Answer { status, body: body.to_owned() }));
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
            assert_eq!(silence(&Silence::Unasked(AskError::Tls(error))), text);
        }
    }

    #[test]
    fn a_wait_is_told_in_its_unit() {
        assert_eq!(period(Duration::from_secs(300)), "5 min");
        assert_eq!(period(Duration::from_secs(90)), "90 s");
    }
}

//! The form of results, for every command that reports.

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// The form of a report.
#[derive(clap::Args)]
pub(crate) struct FormatArguments {
    /// The form of the output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// What is behind the letters of a terminal.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Background {
    /// Light letters on a dark background
    Dark,
    /// Dark letters on a light background
    Light,
}

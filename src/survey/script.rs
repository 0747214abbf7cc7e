//! The text of `survey.sh`, joined by the compiler from its parts in `templates/survey`, as that of `install.sh` is.

/// Returns a part in shell.
macro_rules! shell {
    ($file:literal) => {
        include_str!(concat!("../../templates/survey/", $file))
    };
}

/// Returns a variable of the shell that holds a program for awk. The program has no single quote, which would end it.
macro_rules! awk {
    ($variable:literal, $file:literal) => {
        concat!($variable, "='\n", include_str!(concat!("../../templates/survey/", $file)), "'\n\n")
    };
}

/// The script that writes the survey of a node that has no certferry.
pub const SCRIPT: &str = concat!(
    shell!("00-start.sh"),
    shell!("05-facts.sh"),
    awk!("AWK_SETTINGS", "settings.awk"),
    awk!("AWK_QUOTED", "quoted.awk"),
    shell!("10-files.sh"),
    awk!("AWK_YAML", "yaml.awk"),
    awk!("AWK_VALUES", "values.awk"),
    awk!("AWK_WORDS", "words.awk"),
    awk!("AWK_PROGRAM", "program.awk"),
    awk!("AWK_MANIFEST", "manifest.awk"),
    awk!("AWK_DIRECTIVES", "directives.awk"),
    awk!("AWK_SERVICE", "service.awk"),
    awk!("AWK_ENVIRONMENT", "environment.awk"),
    awk!("AWK_CONFIGURATION", "configuration.awk"),
    shell!("20-programs.sh"),
    awk!("AWK_PEM", "pem.awk"),
    awk!("AWK_FIELD", "field.awk"),
    awk!("AWK_KUBECONFIG", "kubeconfig.awk"),
    shell!("30-certificates.sh"),
    awk!("AWK_ADDRESSES", "addresses.awk"),
    shell!("90-main.sh"),
);

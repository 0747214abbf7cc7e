//! QR codes of letters, for a camera that looks at a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

use crate::cli::args::Background;

/// The letters of which a code is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A letter for two modules, one above the other, and blanks.
    HalfBlocks,
    /// Two letters for a module, because a letter is twice as high as wide.
    Ascii,
}

/// Returns the code for a text, with the margin of four modules that readers expect (ISO/IEC 18004, section 5.3.8).
///
/// What is drawn are the light modules on a dark background, and the dark ones on a light background: some readers take no
/// code whose colours are exchanged.
///
/// # Errors
/// Fails when the text is too long for a code.
pub(crate) fn render(text: &str, form: Form, background: Background) -> Result<String, QrError> {
    // A screen has no dirt on it, so the weakest correction of errors will do.
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    let is_dark = background == Background::Dark;
    let drawn = match form {
        Form::HalfBlocks => {
            // What the crate calls dark is drawn.
            let (dark, light) =
                if is_dark { (Dense1x2::Light, Dense1x2::Dark) } else { (Dense1x2::Dark, Dense1x2::Light) };
            code.render::<Dense1x2>().dark_color(dark).light_color(light).build()
        }
        Form::Ascii => {
            let (dark, light) = if is_dark { (' ', '#') } else { ('#', ' ') };
            code.render::<char>().dark_color(dark).light_color(light).module_dimensions(2, 1).build()
        }
    };
    Ok(drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect())
}

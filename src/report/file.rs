//! Files about the whole run, written when it ends: `.svg`, `.xml` (`JUnit`), `.json`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Ended, document, junit, svg};
use crate::net::io_words;
use crate::plan::problem::nearest;

/// What is written, by the extension of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The waterfall as a picture.
    Svg,
    /// `JUnit`, for the pages of CI servers.
    Junit,
    /// Everything, for programs.
    Json,
}

/// A report that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    path: PathBuf,
    format: Format,
}

impl ReportFile {
    /// A report at `path`, whose extension says what is written.
    ///
    /// # Errors
    /// An extension that stands for none.
    pub fn new(path: &str) -> Result<Self, String> {
        let path = PathBuf::from(path);
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let format = match extension.as_str() {
            "svg" => Format::Svg,
            "xml" => Format::Junit,
            "json" => Format::Json,
            other => {
                let near =
                    nearest(other, ["svg", "xml", "json"]).map(|near| format!("; did you mean .{near}?"));
                return Err(format!(
                    "'{}' ends in none of .svg (picture), .xml (JUnit), .json{}",
                    path.display(),
                    near.unwrap_or_default()
                ));
            }
        };
        Ok(Self { path, format })
    }

    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Looks whether it can be written, as far as that can be known beforehand.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self) -> Result<(), String> {
        use rustix::fs::{Access, AtFlags, CWD, accessat};
        let folder = self.folder();
        let shown = folder.display();
        match folder.metadata() {
            Err(error) => return Err(format!("the folder '{shown}' cannot be used: {}", io_words(&error))),
            Ok(found) if !found.is_dir() => return Err(format!("'{shown}' is not a folder")),
            Ok(_) => {}
        }
        if self.path.is_dir() {
            return Err(format!("'{}' is a folder", self.path.display()));
        }
        accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).map_err(|error| {
            format!("the folder '{shown}' cannot be written to: {}", io_words(&error.into()))
        })
    }

    /// Writes it: whole, or not at all.
    ///
    /// # Errors
    /// When that fails; a file of that name is as it was then.
    pub fn write(&self, ended: &Ended<'_>) -> io::Result<()> {
        let text = match self.format {
            Format::Svg => svg::picture(ended),
            Format::Junit => junit::document(ended),
            Format::Json => document::document(ended),
        };
        let aside = self.folder().join(format!(".prereq-{:016x}.tmp", fastrand::u64(..)));
        let written = File::create_new(&aside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&aside, &self.path));
        if written.is_err() {
            // There may be nothing to remove.
            let _ = std::fs::remove_file(&aside);
        }
        written
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

//! The program `prereq`: see the library's documentation, and `prereq --help`.

use std::process::ExitCode;

use prereq::cli::exit::Exit;
use prereq::plan::env::Env;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(prereq::cli::exit::internal));
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let env = Env::new(std::env::vars_os());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Exit::Internal.into() };
    let exit = runtime.block_on(prereq::cli::run(std::env::args_os(), env));
    // The end waits for nothing, least of all for a look at a dead network mount; what is still open, the kernel closes.
    std::mem::forget(runtime);
    exit.into()
}

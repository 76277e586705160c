//! Binds a WebAssembly module to JavaScript, as `wasm-bindgen --target web` does: `bind MODULE FOLDER`. The command of
//! that name also runs tests and fetches drivers, and takes three times as long to build.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = &arguments[..] else {
        eprintln!("usage: bind MODULE FOLDER");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    let bound = bindgen
        .input_path(module)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(false)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    if let Err(error) = bound {
        eprintln!("bind: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

//! Compiles every `.proto` file below `proto/` with protox, so that no protoc is needed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use prost::Message as _;

fn proto_files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            proto_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto").canonicalize()?;
    let mut files = Vec::new();
    proto_files(&root.join("shopfloor"), &mut files)?;
    files.sort();
    println!("cargo::rerun-if-changed={}", root.display());

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    // protox drops custom options from the decoded set; the encoded bytes keep them (prost-reflect reads those).
    let encoded = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), &encoded)?;

    let set = prost_types::FileDescriptorSet::decode(encoded.as_slice())?;
    let mut packages: Vec<String> = set
        .file
        .iter()
        .filter_map(|file| file.package.clone())
        .filter(|name| name.starts_with("shopfloor.") && name != "shopfloor.options.v1")
        .collect();
    packages.sort();
    packages.dedup();
    let modules: String = packages
        .iter()
        .filter_map(|package| {
            let module = package.strip_prefix("shopfloor.")?.strip_suffix(".v1")?;
            Some(format!(
                "#[doc = \"Generated from `proto/shopfloor/{module}/v1`.\"]\npub mod {module} {{\n    \
                 #[doc = \"Version 1.\"]\n    pub mod v1 {{\n        tonic::include_proto!(\"{package}\");\n    }}\n}}\n"
            ))
        })
        .collect();
    fs::write(out.join("modules.rs"), modules)?;

    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    tonic_prost_build::configure()
        .compile_well_known_types(false)
        .emit_rerun_if_changed(false)
        .compile_fds_with_config(set, config)?;
    Ok(())
}

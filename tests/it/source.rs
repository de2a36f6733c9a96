//! Reads the modules of `src` and what each of them names of the others.
//!
//! A parser reads the code, so that a comment, a string or a test cannot be taken for a use
//! and no use be missed: `use` lines, paths within code, and paths within macros. A name that
//! one module hands on for another (`pub use`) counts as the other's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::visit::{self, Visit};

/// The segments of a path from the root of the crate; of a module or of something in one.
type Segments = Vec<String>;

/// A module that has a file of its own.
pub(super) struct Module {
    /// `run::task::quiesce`; empty for the root.
    pub(super) path: Segments,
    pub(super) file: PathBuf,
    pub(super) types: Vec<String>,
    /// The words of its names: of `OpenQuiesce` and `open_quiesce`, `open` and `quiesce`.
    pub(super) words: BTreeSet<String>,
    names: Names,
}

/// The modules of a crate, but for those that exist in tests only.
pub(super) struct Source {
    modules: BTreeMap<Segments, Module>,
}

/// What a module names.
#[derive(Default)]
struct Names {
    /// What its `use` lines bring in, by the name under which they do.
    imported: BTreeMap<String, Segments>,
    /// The same of those that hand it on.
    handed_on: BTreeMap<String, Segments>,
    /// Its child modules that have a file.
    children: BTreeSet<String>,
    /// Paths as they stand in the code.
    written: Vec<Segments>,
}

/// The lines of a file that ship: without the items that exist in tests only, wherever they stand. The form of
/// the code is that of rustfmt: an item ends on the line that is as deep as its first, and has its end.
pub(super) fn shipped(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        let ends = |line: &&str| {
            let is_as_deep = line.len() - line.trim_start().len() == depth;
            is_as_deep && !line.trim_start().starts_with("#[") && line.ends_with([';', '}'])
        };
        lines.find(ends).expect("an item has an end");
    }
    kept
}

impl Source {
    /// The library and the binary of this package, read once for all who ask.
    pub(super) fn read() -> &'static Self {
        static SOURCE: OnceLock<Source> = OnceLock::new();
        SOURCE.get_or_init(Self::parsed)
    }

    fn parsed() -> Self {
        let root = &Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut source = Self {
            modules: BTreeMap::new(),
        };
        source.read_module(Vec::new(), root.join("lib.rs"), root);
        source.read_module(vec!["main".to_owned()], root.join("main.rs"), &root.join("main"));
        assert!(source.modules.len() > 100, "the modules are found");
        source
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// The other modules that this one names something of, each with one such name.
    pub(super) fn used_by(&self, module: &Module) -> BTreeMap<&Segments, String> {
        let mut used = BTreeMap::new();
        let names = &module.names;
        for written in names.imported.values().chain(&names.written) {
            if let Some((home, name)) = self.home(&self.absolute(module, written))
                && *home != module.path
            {
                used.entry(home).or_insert(name);
            }
        }
        used
    }

    fn read_module(&mut self, path: Segments, file: PathBuf, children: &Path) {
        let text = fs::read_to_string(&file).expect("a source file");
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut names = Names::default();
        names.visit_file(&parsed);
        for (name, at) in children_of(&parsed) {
            let child = match at {
                Some(at) => file.parent().expect("a folder").join(at),
                None => Some(children.join(format!("{name}.rs")))
                    .filter(|file| file.exists())
                    .unwrap_or_else(|| children.join(&name).join("mod.rs")),
            };
            let mut path = path.clone();
            path.push(name.clone());
            self.read_module(path, child, &children.join(&name));
            names.children.insert(name);
        }
        let types = types_of(&parsed.items);
        let mut words = Words::default();
        words.visit_file(&parsed);
        let module = Module {
            path: path.clone(),
            file,
            types,
            words: words.0,
            names,
        };
        self.modules.insert(path, module);
    }

    /// A path as it stands in a module, from the root of the crate. What is of another crate
    /// or of the module itself comes back as it is.
    fn absolute(&self, module: &Module, written: &[String]) -> Segments {
        let mut path = written.to_vec();
        // A name that was brought in may itself begin with one; paths have no more links.
        for _ in 0..4 {
            let Some((first, rest)) = path.split_first() else {
                return path;
            };
            let start: Segments = match first.as_str() {
                "crate" | "dpbackup" => return rest.to_vec(),
                "self" => module.path.clone(),
                "super" => module.path[..module.path.len().saturating_sub(1)].to_vec(),
                name if module.names.children.contains(name) => {
                    let mut child = module.path.clone();
                    child.push(name.to_owned());
                    child
                }
                name => match module.names.brought_in(name) {
                    Some(imported) if imported.first() != Some(first) => imported.clone(),
                    _ => return path,
                },
            };
            let mut next: Segments = match first.as_str() {
                "self" | "super" => {
                    // `super::super`: what is left of it is one level further up.
                    let ups = rest.iter().take_while(|segment| *segment == "super").count();
                    let level = start.len().saturating_sub(ups);
                    let mut next = vec!["crate".to_owned()];
                    next.extend_from_slice(&start[..level]);
                    next.extend_from_slice(&rest[ups..]);
                    path = next;
                    continue;
                }
                name if module.names.children.contains(name) => vec!["crate".to_owned()],
                _ => Vec::new(),
            };
            next.extend(start);
            next.extend_from_slice(rest);
            path = next;
        }
        path
    }

    /// The module that has what a path from the root names, and its name there. Nothing for a
    /// module alone: to open a name space is not to use what is in it.
    fn home(&self, path: &[String]) -> Option<(&Segments, String)> {
        let depth = (0..path.len())
            .rev()
            .find(|depth| self.modules.contains_key(&path[..*depth]))?;
        if self.modules.contains_key(path) {
            return None;
        }
        let module = &self.modules[&path[..depth]];
        let name = path.get(depth)?;
        match module.names.handed_on.get(name) {
            Some(further) => {
                let mut further = self.absolute(module, further);
                further.extend_from_slice(&path[depth + 1..]);
                self.home(&further)
            }
            // Not everything that begins like a path of ours is one: `std::fs`, `Self::new`.
            None if depth == 0 => None,
            None => Some((&module.path, path.join("::"))),
        }
    }
}

/// The modules that are declared in a file and have one of their own, with the `path` that
/// was given.
fn children_of(file: &syn::File) -> Vec<(String, Option<String>)> {
    let modules = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() && !is_of_tests(&module.attrs) => Some(module),
        _ => None,
    });
    modules
        .map(|module| {
            let path = module.attrs.iter().find_map(|attribute| match &attribute.meta {
                syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                    syn::Expr::Lit(syn::ExprLit {
                        lit: syn::Lit::Str(path),
                        ..
                    }) => Some(path.value()),
                    _ => None,
                },
                _ => None,
            });
            (module.ident.to_string(), path)
        })
        .collect()
}

/// The types and traits of a file, those of modules within it too.
fn types_of(items: &[syn::Item]) -> Vec<String> {
    let mut types = Vec::new();
    for item in items {
        match item {
            syn::Item::Struct(item) => types.push(item.ident.to_string()),
            syn::Item::Enum(item) => types.push(item.ident.to_string()),
            syn::Item::Trait(item) => types.push(item.ident.to_string()),
            syn::Item::Type(item) => types.push(item.ident.to_string()),
            syn::Item::Mod(module) if !is_of_tests(&module.attrs) => {
                let inner = module.content.as_ref().map(|(_, items)| types_of(items));
                types.extend(inner.unwrap_or_default());
            }
            _ => {}
        }
    }
    types
}

/// The words of names, in lower case.
#[derive(Default)]
struct Words(BTreeSet<String>);

impl<'ast> Visit<'ast> for Words {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    /// What is brought in was named elsewhere.
    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_ident(&mut self, name: &'ast proc_macro2::Ident) {
        // So a library is called.
        if name == "signal_hook" {
            return;
        }
        let mut word = String::new();
        for letter in name.to_string().chars() {
            if (letter == '_' || letter.is_uppercase()) && !word.is_empty() {
                self.0.insert(std::mem::take(&mut word));
            }
            if letter != '_' {
                word.extend(letter.to_lowercase());
            }
        }
        self.0.insert(word);
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

impl Names {
    fn brought_in(&self, name: &str) -> Option<&Segments> {
        self.imported.get(name).or_else(|| self.handed_on.get(name))
    }

    fn import(&mut self, prefix: &[String], tree: &syn::UseTree, handed_on: bool) {
        let mut path = prefix.to_vec();
        let (name, path) = match tree {
            syn::UseTree::Path(further) => {
                path.push(further.ident.to_string());
                return self.import(&path, &further.tree, handed_on);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(prefix, tree, handed_on);
                }
                return;
            }
            syn::UseTree::Glob(_) => panic!("a glob: {}", prefix.join("::")),
            syn::UseTree::Name(name) if name.ident == "self" => (path.last().expect("a path").clone(), path),
            syn::UseTree::Name(name) => {
                path.push(name.ident.to_string());
                (name.ident.to_string(), path)
            }
            syn::UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                (rename.rename.to_string(), path)
            }
        };
        match handed_on {
            true => self.handed_on.insert(name, path),
            false => self.imported.insert(name, path),
        };
    }

    /// Paths within the arguments of a macro or an attribute, which are no code to the parser.
    fn read_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree;
        let mut path: Segments = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.write(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.write(std::mem::take(&mut path));
                    self.read_tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.write(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.write(path);
    }

    fn write(&mut self, path: Segments) {
        if !path.is_empty() {
            self.written.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_of_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if !is_of_tests(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_of_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_of_tests(&item.attrs) {
            let handed_on = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&[], &item.tree, handed_on);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        self.write(segments.collect());
        visit::visit_path(self, path);
    }

    /// Messages of errors stand in attributes.
    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.read_tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.read_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

//! What Kubernetes needs to be told, so that a Pod waits as a command line says: the entry of `initContainers` and its
//! kin, the rights that it needs, and an annotation that names what the Pod depends on.
//!
//! All of it is made from words and a plan, without any network traffic.

mod container;
mod escape;
mod rbac;
pub mod vault;
mod yaml;

use serde_json::{Value, json};

use crate::plan::target::Host;
use crate::plan::{Plan, Precondition};
use vault::{Source, Variable};

/// The annotation of a Pod that names what it depends on: the targets, without options and secrets, separated by a
/// comma and a space. It has a prefix, as keys have that are not their user's own
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set>).
pub const ANNOTATION: &str = "prereq/waits-for";

/// What the command line becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// An init container.
    #[default]
    Init,
    /// A native sidecar: it holds back what follows until all is there, and the Pod is ready only while it is.
    Sidecar,
    /// The readiness probe of the Pod's own container.
    Readiness,
    /// A hook that runs when that container has started.
    PostStart,
    /// A hook that runs before that container is stopped.
    PreStop,
    /// Nothing but what the Pod's account must be allowed.
    Rbac,
}

impl Part {
    /// Whether it runs in the Pod's own container.
    fn in_own_container(self) -> bool {
        matches!(self, Self::Readiness | Self::PostStart | Self::PreStop)
    }
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// YAML documents: a part of a Pod, or of a Pod template; then what its account must be allowed.
    #[default]
    Yaml,
    /// The same as JSON, one object after the other.
    Json,
    /// A strategic merge patch for what has a Pod template, as YAML.
    Patch,
}

/// A word of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The flag that it belongs to, without dashes.
    pub flag: Option<&'static str>,
    /// The value of the flag, or the word itself.
    pub text: String,
}

impl Word {
    /// A flag with its value.
    fn flag(flag: &'static str, text: &str) -> Self {
        Self { flag: Some(flag), text: text.to_owned() }
    }

    /// A word that is no flag.
    fn bare(text: &str) -> Self {
        Self { flag: None, text: text.to_owned() }
    }

    /// As it is written: `--flag=value`, a switch that is on without value.
    fn written(&self) -> String {
        match self.flag {
            None => self.text.clone(),
            Some(flag) if self.text == "true" => format!("--{flag}"),
            Some(flag) => format!("--{flag}={}", self.text),
        }
    }
}

/// What a manifest is made from.
#[derive(Debug)]
pub struct Request<'a> {
    /// What it becomes.
    pub part: Part,
    /// The image with its tag.
    pub image: String,
    /// Whether the image is the program's own, in which there is nothing else.
    pub own_image: bool,
    /// The name of the container that is added, of the volume, and of the Secret that holds what the words do not show.
    pub name: String,
    /// The name of the Pod's own container.
    pub container: String,
    /// Where the program is in the container that runs it, if that is not its own image.
    pub binary: Option<String>,
    /// The service account, if one is chosen.
    pub account: Option<String>,
    /// The Pod's namespace, if it is known.
    pub namespace: Option<String>,
    /// Options and targets, secrets taken out.
    pub words: Vec<Word>,
    /// The program to run in the end.
    pub command: Vec<String>,
    /// The variables of the container that waits.
    pub variables: Vec<Variable>,
    /// How targets of the words are shown that refer to variables, in the order of all targets; fewer where some come
    /// from elsewhere.
    pub targets: Vec<Option<String>>,
    /// Files that the words name, and by which option: `/etc/ca.pem (cacert)`.
    pub files: Vec<String>,
    /// What the words mean.
    pub plan: &'a Plan,
}

/// What is printed.
#[derive(Debug)]
pub struct Manifest {
    /// The part of a Pod: `metadata` and `spec`. None for [`Part::Rbac`].
    pod: Option<Value>,
    /// Objects beside it.
    objects: Vec<Value>,
    /// What is left to do, in one line each.
    pub notes: Vec<String>,
}

/// Makes a manifest.
#[must_use]
pub fn make(request: &Request<'_>) -> Manifest {
    let account = request.account.as_deref().unwrap_or(&request.name);
    let objects = rbac::objects(request, account);
    let mut pod = json!({
        "metadata": {"annotations": {ANNOTATION: dependencies(request)}},
        "spec": {},
    });
    if !objects.is_empty() {
        pod["spec"]["serviceAccountName"] = account.into();
    }
    container::add(&mut pod["spec"], request);
    let notes = notes(request, !objects.is_empty());
    Manifest { pod: (request.part != Part::Rbac).then_some(pod), objects, notes }
}

impl Manifest {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pod.is_none() && self.objects.is_empty()
    }

    /// As text. YAML begins with the notes, as comments; JSON has none.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        let template = |pod: &Value| json!({"spec": {"template": pod}});
        let documents: Vec<Value> = match format {
            Format::Patch => self.pod.iter().map(template).collect(),
            _ => self.pod.iter().chain(&self.objects).cloned().collect(),
        };
        if format == Format::Json {
            let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
            return documents.iter().map(pretty).collect();
        }
        let mut text = String::new();
        for note in &self.notes {
            text.extend(["# ", note, "\n"]);
        }
        text + &documents.iter().map(yaml::document).collect::<Vec<_>>().join("---\n")
    }
}

/// What the Pod depends on, for the annotation. A target that refers to variables is shown with them, since what they
/// hold is known in the Pod only.
fn dependencies(request: &Request<'_>) -> String {
    let all = &request.plan.preconditions;
    let written = |at: usize| request.targets.get(at).filter(|_| request.targets.len() == all.len())?.clone();
    let named = |(at, one): (usize, &Precondition)| {
        let target = written(at).unwrap_or_else(|| one.target.label());
        if one.inverted { format!("not {target}") } else { target }
    };
    all.iter().enumerate().map(named).collect::<Vec<_>>().join(", ")
}

/// What the reader has to know or to do.
fn notes(request: &Request<'_>, needs_rights: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if request.part != Part::Rbac {
        notes.extend(about_container(request));
        notes.extend(request.files.iter().map(|file| format!("{file} is to be mounted into the container")));
        notes.extend(request.plan.preconditions.iter().filter_map(|one| about_target(request, one)));
    }
    if needs_rights && request.part != Part::Rbac {
        notes.push("rights: --kind rbac prints them alone, for kubectl apply before there is a Pod".into());
    }
    if needs_rights && request.namespace.is_none() {
        notes.push("the account is taken to be in the namespace «default»; --namespace says which".into());
    }
    let one_line = |note: String| note.replace(char::is_control, "\u{FFFD}");
    notes.into_iter().map(one_line).collect()
}

fn about_container(request: &Request<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if request.own_image {
        notes.push(format!("image: {} as the nodes can pull it; --image says where from", request.image));
    }
    if !request.command.is_empty() && request.own_image && !request.part.in_own_container() {
        notes.push(
            "the program behind -- must be in the image: --image, and --binary for prereq in it".into(),
        );
    }
    let key = |variable: &Variable| match &variable.source {
        Source::Secret(key) => Some(format!(" --from-literal={key}=…")),
        _ => None,
    };
    let keys: String = request.variables.iter().filter_map(key).collect();
    if !keys.is_empty() {
        notes.push(format!("secrets: kubectl create secret generic {}{keys}", request.name));
    }
    if request.part == Part::Sidecar {
        notes.push("native sidecars need Kubernetes 1.29 or newer".into());
    }
    notes
}

/// What does not do what it seems to do in the container.
fn about_target(request: &Request<'_>, one: &Precondition) -> Option<String> {
    let label = one.target.label();
    let local = match &one.target.host {
        Some(Host::This) => true,
        Some(Host::Ip(ip)) => ip.is_loopback(),
        Some(Host::Name(name)) => name == "localhost",
        None => false,
    };
    if local && request.part == Part::Init {
        return Some(format!("{label} is the Pod itself, of which only native sidecars run by then"));
    }
    (one.kind.name == "file" && !request.part.in_own_container())
        .then(|| format!("{label} is looked for in this container: mount the volume it is on"))
}

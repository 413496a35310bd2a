using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies the shipping source, as it is but for what Instrumentation.txt says: fields that become modelled ones, and patches that put a
/// defect behind a switch. A rule that matches nothing is an error, so that the rules follow the source.
/// </summary>
public class Instrument : Task
{
    [Required]
    public ITaskItem[] Sources { get; set; }

    [Required]
    public string Root { get; set; }

    [Required]
    public string Rules { get; set; }

    [Required]
    public string OutputFolder { get; set; }

    [Output]
    public ITaskItem[] Written { get; set; }

    public override bool Execute()
    {
        var rules = ReadRules();
        var written = new List<ITaskItem>();
        string root = Path.GetFullPath(Root);
        foreach (ITaskItem source in Sources)
        {
            string full = Path.GetFullPath(source.ItemSpec);
            string name = full.Substring(root.Length).Replace('\\', '/').TrimStart('/');
            string text = File.ReadAllText(full);
            foreach (Rule rule in rules.Where(rule => rule.File == name))
            {
                string changed = rule.Apply(text);
                if (changed == text)
                {
                    Log.LogError("Instrumentation.txt:{0}: nothing in {1} matches \"{2}\".", rule.Line, name, rule.What);
                }

                text = changed;
                rule.IsUsed = true;
            }

            string output = Path.Combine(OutputFolder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(output));
            text = "#line 1 \"" + full + "\"\n" + text;
            if (!File.Exists(output) || File.ReadAllText(output) != text)
            {
                File.WriteAllText(output, text);
            }

            written.Add(new TaskItem(output));
        }

        foreach (Rule rule in rules.Where(rule => !rule.IsUsed))
        {
            Log.LogError("Instrumentation.txt:{0}: there is no {1}.", rule.Line, rule.File);
        }

        Written = written.ToArray();
        return !Log.HasLoggedErrors;
    }

    private List<Rule> ReadRules()
    {
        var rules = new List<Rule>();
        string file = "";
        string[] lines = File.ReadAllLines(Rules);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            string[] words = line.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0].StartsWith("#"))
            {
                continue;
            }

            switch (words[0])
            {
                case "file":
                    file = words[1];
                    break;
                case "plain":
                case "mixed":
                case "volatile":
                case "refs":
                    rules.AddRange(words.Skip(1).Select(field => new Rule(i + 1, file, words[0], field, "")));
                    break;
                case "-":
                    string old = line.Substring(line.IndexOf('-') + 2);
                    string replacement = lines[++i].Trim();
                    rules.Add(new Rule(i, file, "patch", old, replacement.Length > 2 ? replacement.Substring(2) : ""));
                    break;
                default:
                    Log.LogError("Instrumentation.txt:{0}: what is \"{1}\"?", i + 1, words[0]);
                    break;
            }
        }

        return rules;
    }

    private sealed class Rule
    {
        private readonly string _kind;
        private readonly string _replacement;

        public Rule(int line, string file, string kind, string what, string replacement)
        {
            Line = line;
            File = file;
            What = what;
            _kind = kind;
            _replacement = replacement;
        }

        public int Line { get; }

        public string File { get; }

        public string What { get; }

        public bool IsUsed { get; set; }

        public string Apply(string text)
        {
            if (_kind == "patch")
            {
                int at = text.IndexOf(What, StringComparison.Ordinal);
                if (at < 0 || text.IndexOf(What, at + 1, StringComparison.Ordinal) >= 0)
                {
                    return text;
                }

                return text.Substring(0, at) + _replacement + text.Substring(at + What.Length);
            }

            // The field becomes a property on the same line, so that line numbers stay.
            string name = Path.GetFileNameWithoutExtension(File) + "." + What;
            string pattern = @"(?m)^(?<indent> +)(?<access>public|private|internal) (volatile )?(?<type>[^=;(){}]+?) " + What + "( = (?<initial>[^;]+))?;";
            text = _kind == "refs" ? text : Regex.Replace(text, pattern, match =>
            {
                string type = match.Groups["type"].Value;
                string initial = match.Groups["initial"].Success ? match.Groups["initial"].Value : "default!";
                string argument = _kind == "plain" ? initial + ", " : "";
                string store = _kind == "plain" ? "Plain" : _kind == "mixed" ? "Mixed" : "VolatileField";
                return match.Groups["indent"].Value + "internal FastBatch." + store + "<" + type + "> " + What + "__; "
                    + match.Groups["access"].Value + " " + type + " " + What + " { get => " + What + "__.Get(" + argument + "\"" + name + "\"); "
                    + "set => " + What + "__.Set(value, \"" + name + "\"); }";
            });
            return _kind == "mixed" || _kind == "refs" ? Regex.Replace(text, @"(?<=\(ref [\w.]*)\b" + What + @"(?=[,)])", What + "__") : text;
        }
    }
}

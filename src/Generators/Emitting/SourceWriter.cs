using System.Collections.Generic;
using System.Text;

namespace FastBatch.Generators.Emitting;

/// <summary>Writes indented source. Lines end in \n on every machine, so that equal methods have equal batchers.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    /// <summary>Writes a line, or with no argument an empty one.</summary>
    public void Line(string line = "")
    {
        if (line.Length > 0)
        {
            _text.Append(' ', _depth * 4).Append(line);
        }

        _text.Append('\n');
    }

    /// <summary>Writes the lines of a raw string literal.</summary>
    public void Lines(string lines)
    {
        foreach (string line in lines.Split('\n'))
        {
            Line(line.TrimEnd('\r'));
        }
    }

    /// <summary>Writes the items, one a line and one step in, separated by commas; <paramref name="end"/> follows the last.</summary>
    public void List(IReadOnlyList<string> items, string end)
    {
        _depth++;
        for (int i = 0; i < items.Count; i++)
        {
            Line(items[i] + (i < items.Count - 1 ? "," : end));
        }

        _depth--;
    }

    /// <summary>Writes what a block belongs to.</summary>
    public void Open(string lines)
    {
        Lines(lines);
        Open();
    }

    public void Open()
    {
        Line("{");
        _depth++;
    }

    /// <summary>Closes the block opened last.</summary>
    public void Close()
    {
        _depth--;
        Line("}");
    }

    public override string ToString() => _text.ToString();
}

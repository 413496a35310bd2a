using System.Collections.Generic;

namespace FastBatch.Generators.Emitting;

/// <summary>Hands out names that are free: the wanted one, or that with a number behind it.</summary>
internal sealed class NameScope(IEnumerable<string> taken)
{
    private readonly HashSet<string> _taken = [.. taken];

    public string Fresh(string wanted)
    {
        string name = wanted;
        for (int number = 2; !_taken.Add(name); number++)
        {
            name = wanted + number;
        }

        return name;
    }

    /// <summary>A member of the class, which a parameter of the same name would hide.</summary>
    public string Member(string name) => _taken.Contains(name) ? $"this.{name}" : name;
}

using System.Linq;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Emitting;

/// <summary>Names as source writes them.</summary>
internal static class Identifiers
{
    public static string Escape(string name) => SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None ? name : "@" + name;

    /// <summary>A type's name where it is declared: there even a word like "record" needs the escape.</summary>
    public static string EscapeType(string name) =>
        SyntaxFacts.GetContextualKeywordKind(name) == SyntaxKind.None ? Escape(name) : "@" + name;

    /// <summary>A parameter's name as a property's: <c>user_id</c> as <c>UserId</c>.</summary>
    public static string Pascal(string name)
    {
        string joined = string.Concat(name.Split('_').Where(static word => word.Length > 0).Select(static word =>
            char.ToUpperInvariant(word[0]) + word.Substring(1)));
        return joined.Length > 0 && char.IsLetter(joined[0]) ? joined : "Value" + joined;
    }

    /// <summary>A name as a parameter's.</summary>
    public static string Camel(string name) => char.ToLowerInvariant(name[0]) + name.Substring(1);

    /// <summary>A property's name as a field's.</summary>
    public static string Field(string property) => "_" + Camel(property);
}

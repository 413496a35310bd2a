using System.Globalization;
using Microsoft.Extensions.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FastBatch.Hosting.Configuration.Yaml;

/// <summary>
/// Reads a YAML file as configuration: mappings are sections, sequences have their indexes as keys. It knows where each key stands. A file that
/// was good and no longer is when it is read again changes nothing: the keys stay what they were.
/// </summary>
internal sealed class YamlConfigurationProvider(YamlConfigurationSource source) : FileConfigurationProvider(source)
{
    // An anchor may refer to what it is in.
    private const int DeepestNesting = 64;

    private Dictionary<string, Mark> _places = new(StringComparer.OrdinalIgnoreCase);

    private bool _isLoaded;

    /// <summary>Why the file as it is now cannot be read; null if it could be.</summary>
    public string? Broken { get; private set; }

    public override void Load(Stream stream)
    {
        try
        {
            Read(stream);
            (_isLoaded, Broken) = (true, null);
        }
        catch (FormatException exception) when (_isLoaded)
        {
            // Thrown, it would leave no keys at all, and be seen by nobody: a thread of the file system's watch reads the file again.
            Broken = exception.Message;
        }
    }

    private void Read(Stream stream)
    {
        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var places = new Dictionary<string, Mark>(StringComparer.OrdinalIgnoreCase);
        using var reader = new StreamReader(stream);
        var yaml = new YamlStream();
        try
        {
            yaml.Load(reader);
        }
        catch (YamlException exception)
        {
            throw Wrong(exception.Start, exception.InnerException?.Message ?? exception.Message, exception);
        }

        if (yaml.Documents.Count > 1)
        {
            throw Wrong(yaml.Documents[1].RootNode.Start, "there is a second document");
        }

        if (yaml.Documents is [{ RootNode: { } root }] && !IsNothing(root))
        {
            Add(root as YamlMappingNode ?? throw Wrong(root.Start, "a mapping is expected"), "", depth: 0);
        }

        (Data, _places) = (data, places);

        void Add(YamlNode node, string path, int depth)
        {
            if (depth > DeepestNesting)
            {
                throw Wrong(node.Start, $"it is nested more than {DeepestNesting} deep");
            }

            switch (node)
            {
                case YamlMappingNode mapping:
                    foreach ((YamlNode key, YamlNode value) in mapping.Children)
                    {
                        AddChild(key, (key as YamlScalarNode)?.Value ?? throw Wrong(key.Start, "a key is expected"), value);
                    }

                    break;
                case YamlSequenceNode sequence:
                    for (int i = 0; i < sequence.Children.Count; i++)
                    {
                        AddChild(sequence.Children[i], i.ToString(CultureInfo.InvariantCulture), sequence.Children[i]);
                    }

                    break;
                default:
                    data[path] = IsNothing(node) ? null : ((YamlScalarNode)node).Value;
                    break;
            }

            void AddChild(YamlNode place, string key, YamlNode value)
            {
                string child = path.Length == 0 ? key : ConfigurationPath.Combine(path, key);
                if (!places.TryAdd(child, place.Start))
                {
                    throw Wrong(place.Start, $"'{child}' is there already, in line {places[child].Line}");
                }

                Add(value, child, depth + 1);
            }
        }
    }

    /// <summary>Where a key stands, for people.</summary>
    public string Where(string key) => _places.TryGetValue(key, out Mark place) ? Place(place) : source.Path ?? "";

    private static bool IsNothing(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private string Place(Mark place) => $"{source.Path}, line {place.Line}, column {place.Column}";

    private FormatException Wrong(Mark place, string what, Exception? cause = null) => new($"{Place(place)}: {what}", cause);
}

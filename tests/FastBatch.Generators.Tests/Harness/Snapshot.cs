using System.Reflection;

namespace FastBatch.Generators.Tests.Harness;

/// <summary>
/// Compares text with a checked-in file. With FASTBATCH_UPDATE_SNAPSHOTS=1 in the environment the file is written instead; the change is
/// then reviewed like any other.
/// </summary>
internal static class Snapshot
{
    private static readonly bool IsUpdating = Environment.GetEnvironmentVariable("FASTBATCH_UPDATE_SNAPSHOTS") == "1";

    /// <summary>The folder of this project.</summary>
    public static string Project { get; } = typeof(Snapshot).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static metadata => metadata.Key == "ProjectDirectory").Value!;

    /// <summary>The root of the repository these tests were built from.</summary>
    public static string Repository { get; } = Path.GetFullPath(Path.Combine(Project, "..", ".."));

    public static void Verify(string name, string text)
    {
        string file = Path.Combine(Project, "Snapshots", $"{name}.verified.txt");
        if (IsUpdating)
        {
            File.WriteAllText(file, text);
        }

        Assert.True(File.Exists(file), $"There is no snapshot {name}. Run the tests with FASTBATCH_UPDATE_SNAPSHOTS=1 to write it.");
        Assert.Equal(File.ReadAllText(file).ReplaceLineEndings("\n"), text);
    }
}

using System.Runtime.InteropServices;
using System.Text;

namespace FastBatch.Native.Interop;

/// <summary>
/// The libtorch that this process has loaded, or that the application brings and another library, as TorchSharp, will load. The native library
/// must use that one: a second libtorch registers its operators with the first, and ends the process. Only Linux gets this far: elsewhere a
/// library that is loaded is found by its name.
/// </summary>
internal static class SharedLibtorch
{
    private const string Name = "libtorch_cpu.so";

    /// <summary>Why the library at this path must not be loaded; null if it may, and then it will use the shared libtorch, if there is one.</summary>
    /// <param name="path">The native library.</param>
    public static string? WhyUnusable(string path)
    {
        if (!OperatingSystem.IsLinux() || NeededBy(path) is not { } needed)
        {
            return null;
        }

        if (Loaded() is null)
        {
            LoadOfApplication();
        }

        return Loaded() is not { } loaded || IsCalled(Path.GetFileName(loaded), needed)
            ? null
            : $"'{path}' needs {needed}, but the libtorch of this process is '{loaded}', and two of them would end it: build the library against "
                + "a libtorch of that version with eng/build-native.sh -DCMAKE_PREFIX_PATH=<folder>.";
    }

    // What is loaded from there is found again by its name; libtorch.so brings libtorch_cuda.so, too, where it has that.
    private static void LoadOfApplication()
    {
        string[] folders = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(
            Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        if (Array.Find([.. folders, AppContext.BaseDirectory], static folder => File.Exists(Path.Combine(folder, Name))) is { } found)
        {
            string whole = Path.Combine(found, "libtorch.so");
            NativeLibrary.TryLoad(File.Exists(whole) ? whole : Path.Combine(found, Name), out _);
        }
    }

    private static string? Loaded()
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            if (line.IndexOf('/', StringComparison.Ordinal) is var start and >= 0
                && Path.GetFileName(line.AsSpan(start)).StartsWith(Name, StringComparison.Ordinal))
            {
                return line[start..];
            }
        }

        return null;
    }

    // A library's file may have a longer version than its name has: "libtorch_cpu.so.2.6" lies in libtorch_cpu.so.2.6.0.
    private static bool IsCalled(string file, string needed) =>
        file == needed || (needed != Name && file.StartsWith(needed + ".", StringComparison.Ordinal));

    // The names that a library needs stand in its string table, each between zeros.
    private static string? NeededBy(string path)
    {
        ReadOnlySpan<byte> content = File.ReadAllBytes(path);
        for (int start = content.IndexOf("\0libtorch_cpu.so"u8); start >= 0;)
        {
            ReadOnlySpan<byte> name = content[(start + 1)..];
            if (name.IndexOf((byte)0) is var end && (end == Name.Length || (end > Name.Length && name[Name.Length] == '.')))
            {
                return Encoding.UTF8.GetString(name[..end]);
            }

            int next = name.IndexOf("\0libtorch_cpu.so"u8);
            start = next < 0 ? -1 : start + 1 + next;
        }

        return null;
    }
}

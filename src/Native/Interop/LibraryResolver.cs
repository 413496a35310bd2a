using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace FastBatch.Native.Interop;

/// <summary>
/// Finds the native library, once per process, and says in one sentence what is missing if it cannot be used. It asks, in this order, the
/// environment variable <c>FASTBATCH_NATIVE</c> (a file or a folder, and then nothing else), the application's folder, the folder of this
/// assembly, <c>runtimes/RID/native</c> under both, and the system.
/// </summary>
internal static class LibraryResolver
{
    public const string Variable = "FASTBATCH_NATIVE";

    private static readonly Lazy<Outcome> s_outcome = new(static () => Find(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>Why the library cannot be used; null if it can.</summary>
    public static string? Failure => s_outcome.Value.Failure;

    /// <summary>The library; 0 if it cannot be used.</summary>
    public static nint Handle => s_outcome.Value.Handle;

    private static string Rid =>
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
        + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    // Empty in a single-file or AOT application, whose only folder is that of the application.
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Empty is the right answer there.")]
    private static string AssemblyFolder => Path.GetDirectoryName(typeof(LibraryResolver).Assembly.Location) ?? "";

    private static string FileName =>
        OperatingSystem.IsWindows() ? $"{NativeMethods.Library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{NativeMethods.Library}.dylib"
        : $"lib{NativeMethods.Library}.so";

    private static string HowToGetLibtorch => OperatingSystem.IsLinux()
        ? "apt-get install libtorch-dev libopenblas0-pthread (Debian, Ubuntu), or unpack libtorch from pytorch.org and put its lib folder "
            + "on LD_LIBRARY_PATH"
        : "unpack libtorch from pytorch.org and put its lib folder on the library path";

    /// <summary>For <see cref="NativeLibrary.SetDllImportResolver"/>.</summary>
    /// <exception cref="DllNotFoundException">It cannot be used; the message says why, and what to do.</exception>
    public static nint Resolve(string libraryName, Assembly assembly, DllImportSearchPath? searchPath) =>
        libraryName != NativeMethods.Library ? 0
        : Failure is null ? s_outcome.Value.Handle
        : throw new DllNotFoundException(Failure);

    private static Outcome Find(string? named)
    {
        if (named is { Length: > 0 })
        {
            string file = Directory.Exists(named) ? Path.Combine(named, FileName) : named;
            return File.Exists(file)
                ? Load(file)
                : new Outcome($"{Variable} is '{named}', but there is no library at '{file}': build it with eng/build-native.sh, or unset "
                    + $"{Variable} to look beside the application.");
        }

        string[] candidates = Candidates();
        if (Array.Find(candidates, File.Exists) is { } path)
        {
            return Load(path);
        }

        Assembly assembly = typeof(LibraryResolver).Assembly;
        return NativeLibrary.TryLoad(NativeMethods.Library, assembly, DllImportSearchPath.SafeDirectories, out nint handle)
            ? Check(handle, FileName)
            : new Outcome($"FastBatch's native library was not found, neither as '{string.Join("' nor as '", candidates)}' nor on the "
                + $"system's library path: build it with eng/build-native.sh, or set {Variable} to where it is.");
    }

    private static string[] Candidates()
    {
        string[] folders = [AppContext.BaseDirectory, AssemblyFolder];
        return [.. folders
            .Where(static folder => folder.Length > 0)
            .Select(Path.TrimEndingDirectorySeparator)
            .Distinct()
            .SelectMany(static folder => (string[])[folder, Path.Combine(folder, "runtimes", Rid, "native")])
            .Select(static folder => Path.Combine(folder, FileName))];
    }

    private static Outcome Load(string path)
    {
        try
        {
            return SharedLibtorch.WhyUnusable(path) is { } failure ? new Outcome(failure) : Check(NativeLibrary.Load(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Outcome($"'{path}' is there but cannot be read ({exception.Message}).");
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            return new Outcome($"'{path}' is there but does not load ({Reason(exception.Message)}). If libtorch is missing, "
                + $"{HowToGetLibtorch}; if it is of another version than the library was built against, run eng/build-native.sh again.");
        }
    }

    private static unsafe Outcome Check(nint handle, string path)
    {
        if (!NativeLibrary.TryGetExport(handle, nameof(NativeMethods.fb_abi_version), out nint function))
        {
            return new Outcome($"'{path}' is not FastBatch's native library: it has no {nameof(NativeMethods.fb_abi_version)}.");
        }

        int version = ((delegate* unmanaged<int>)function)();
        return version == NativeMethods.AbiVersion
            ? new Outcome(handle)
            : new Outcome($"'{path}' has ABI version {version}, but this FastBatch.Native needs {NativeMethods.AbiVersion}: build the "
                + "library with the eng/build-native.sh of the same release.");
    }

    // The runtime's own words come first; the line after them is the linker's, which names the file that it misses.
    private static string Reason(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines[Math.Min(1, lines.Length - 1)];
    }

    /// <summary>The library, or why there is none.</summary>
    private sealed record Outcome(nint Handle, string? Failure)
    {
        public Outcome(nint handle)
            : this(handle, null)
        {
        }

        public Outcome(string failure)
            : this(0, failure)
        {
        }
    }
}

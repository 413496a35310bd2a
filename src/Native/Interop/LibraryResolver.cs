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

    private static readonly Lazy<(nint Handle, string? Failure)> s_loaded = new(static () =>
        Find(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>Why the library cannot be used; null if it can.</summary>
    public static string? Failure => s_loaded.Value.Failure;

    private static string Rid =>
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
        + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static string FileName =>
        OperatingSystem.IsWindows() ? $"{NativeMethods.Library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{NativeMethods.Library}.dylib"
        : $"lib{NativeMethods.Library}.so";

    private static string Remedy => OperatingSystem.IsLinux()
        ? "Debian and Ubuntu: apt-get install libtorch-dev libopenblas0-pthread; elsewhere unpack libtorch from pytorch.org and put its lib "
            + "folder on LD_LIBRARY_PATH"
        : "unpack libtorch from pytorch.org and put its lib folder on the library path";

    /// <summary>For <see cref="NativeLibrary.SetDllImportResolver"/>.</summary>
    /// <exception cref="DllNotFoundException">It cannot be used; the message says why, and what to do.</exception>
    public static nint Resolve(string libraryName, Assembly assembly, DllImportSearchPath? searchPath) =>
        libraryName != NativeMethods.Library ? 0
        : s_loaded.Value is (var handle, null) ? handle
        : throw new DllNotFoundException(Failure);

    private static (nint Handle, string? Failure) Find(string? named)
    {
        List<string> candidates = named is { Length: > 0 } ? [Directory.Exists(named) ? Path.Combine(named, FileName) : named] : Candidates();
        if (candidates.Find(File.Exists) is { } path)
        {
            return Load(path);
        }

        if (named is { Length: > 0 })
        {
            return (0, $"{Variable} is '{named}', but there is no library at '{candidates[0]}': build it with eng/build-native.sh, or unset "
                + $"{Variable} to look beside the application.");
        }

        return NativeLibrary.TryLoad(NativeMethods.Library, typeof(LibraryResolver).Assembly, DllImportSearchPath.SafeDirectories, out nint handle)
            ? Checked(handle, FileName)
            : (0, $"FastBatch's native library {FileName} was not found, neither as {string.Join(" nor as ", candidates)} nor on the system's "
                + $"library path: build it with eng/build-native.sh, or set {Variable} to it.");
    }

    private static List<string> Candidates()
    {
        // A single-file or AOT application has no assembly files, and then no folder of theirs.
        string[] folders = [AppContext.BaseDirectory, Path.GetDirectoryName(AssemblyFile()) is { Length: > 0 } own ? own : AppContext.BaseDirectory];
        return [.. folders
            .SelectMany(static folder => new[] { Path.Combine(folder, FileName), Path.Combine(folder, "runtimes", Rid, "native", FileName) })
            .Distinct()];
    }

    private static string AssemblyFile()
    {
#pragma warning disable IL3000 // Empty in a single-file application, which is the answer that is wanted.
        return typeof(LibraryResolver).Assembly.Location;
#pragma warning restore IL3000
    }

    private static (nint Handle, string? Failure) Load(string path)
    {
        try
        {
            return Checked(NativeLibrary.Load(path), path);
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            // The linker names the library that it misses; the runtime then adds lines about names that it tried beside.
            string reason = exception.Message.Split('\n').FirstOrDefault(static line => line.Contains("torch") || line.Contains("c10"))
                ?? exception.Message.Split('\n')[0];
            return (0, $"'{path}' is there but does not load ({reason.Trim()}). If it is libtorch that is missing, {Remedy}; if it is of another "
                + "version than the library was built against, run eng/build-native.sh again.");
        }
    }

    private static unsafe (nint Handle, string? Failure) Checked(nint handle, string path)
    {
        if (!NativeLibrary.TryGetExport(handle, nameof(NativeMethods.fb_abi_version), out nint function))
        {
            return (0, $"'{path}' is not FastBatch's native library: it has no {nameof(NativeMethods.fb_abi_version)}.");
        }

        int version = ((delegate* unmanaged<int>)function)();
        return version == NativeMethods.AbiVersion
            ? (handle, null)
            : (0, $"'{path}' has ABI version {version}, but this FastBatch.Native needs {NativeMethods.AbiVersion}: build the library with the "
                + "eng/build-native.sh of the same release.");
    }
}

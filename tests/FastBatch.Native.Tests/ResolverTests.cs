using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace FastBatch.Native.Tests;

/// <summary>
/// What is said when the library is not there or does not fit. Each case loads FastBatch.Native once more, into a context of its own, which
/// looks for the library anew.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class ResolverTests : IDisposable
{
    private const string Variable = "FASTBATCH_NATIVE";

    private readonly string _folder = Directory.CreateTempSubdirectory("fastbatch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_path_with_nothing_there_is_named()
    {
        string path = Path.Combine(_folder, "nothing.so");

        string reason = ReasonWith(path);

        Assert.Contains($"{Variable} is '{path}'", reason);
        Assert.Contains("eng/build-native.sh", reason);
        Assert.DoesNotContain('\n', reason);
    }

    [Fact]
    public void A_folder_without_the_library_is_named_with_the_file_it_lacks()
    {
        string reason = ReasonWith(_folder);

        Assert.Contains($"there is no library at '{Path.Combine(_folder, "")}", reason);
        Assert.Contains("fastbatch_native", reason);
    }

    [Fact]
    public void A_file_that_is_no_library_is_named()
    {
        string path = Path.Combine(_folder, "garbage.so");
        File.WriteAllText(path, "this is no library");

        string reason = ReasonWith(path);

        Assert.StartsWith($"'{path}' is there but does not load (", reason);
        Assert.DoesNotContain('\n', reason);
    }

    [NativeFact]
    public void Another_library_is_not_taken_for_ours()
    {
        string path = Compile("other", "int something_else(void) { return 1; }");

        Assert.Contains("is not FastBatch's native library", ReasonWith(path));
    }

    [NativeFact]
    public void Another_version_is_refused_with_both_numbers()
    {
        string path = Compile("version", "int fb_abi_version(void) { return 999; }");

        string reason = ReasonWith(path);

        Assert.Contains("has ABI version 999", reason);
        Assert.Contains("needs 1", reason);
    }

    [NativeFact]
    public void A_missing_libtorch_is_named_with_how_to_get_it()
    {
        string torch = Compile("torch_gone", "int torch(void) { return 1; }");
        string path = Compile("needs_torch", "int torch(void); int fb_abi_version(void) { return torch(); }", "-L.", "-ltorch_gone");
        File.Delete(torch);

        string reason = ReasonWith(path);

        Assert.Contains("libtorch_gone.so", reason);
        Assert.Contains("libtorch-dev", reason);
        Assert.DoesNotContain('\n', reason);
    }

    [NativeFact]
    public void A_second_libtorch_is_not_loaded()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // elsewhere the loader itself takes the first
        }

        string torch = Compile("torch_cpu", "int torch(void) { return 1; }", "-Wl,-soname,libtorch_cpu.so.0.1");
        string path = Compile("needs_another", "int torch(void); int fb_abi_version(void) { return torch(); }", "-L.", "-ltorch_cpu");
        File.Move(torch, $"{torch}.0.1");

        string reason = ReasonWith(path);

        Assert.Contains($"'{path}' needs libtorch_cpu.so.0.1, but the libtorch of this process is '/", reason);
        Assert.Contains("eng/build-native.sh", reason);
        Assert.DoesNotContain('\n', reason);
        Assert.DoesNotContain(_folder, File.ReadAllText("/proc/self/maps"));
    }

    [Fact]
    public void Calls_fail_with_the_same_sentence()
    {
        string path = Path.Combine(_folder, "nothing.so");
        With(path, static torch =>
        {
            string reason = Reason(torch);
            Exception? thrown = Record.Exception(() => torch.GetProperty(nameof(Torch.Description))!.GetValue(null));
            var cause = Assert.IsType<DllNotFoundException>(Assert.IsType<TargetInvocationException>(thrown).InnerException);
            Assert.Equal(reason, cause.Message);

            Type module = torch.Assembly.GetType(typeof(TorchScriptModule).FullName!)!;
            Type options = torch.Assembly.GetType(typeof(TorchScriptOptions).FullName!)!;
            MethodInfo load = module.GetMethod(nameof(TorchScriptModule.Load), [typeof(string), options])!;
            thrown = Record.Exception(() => load.Invoke(null, ["model.pt", null]));
            Assert.IsType<DllNotFoundException>(Assert.IsType<TargetInvocationException>(thrown).InnerException);
        });
    }

    private static string ReasonWith(string path)
    {
        string reason = "";
        With(path, torch => reason = Reason(torch));
        return reason;
    }

    private static string Reason(Type torch)
    {
        Assert.False((bool)torch.GetProperty(nameof(Torch.IsAvailable))!.GetValue(null)!);
        return (string)torch.GetProperty(nameof(Torch.UnavailableReason))!.GetValue(null)!;
    }

    private static void With(string path, Action<Type> use)
    {
        _ = Torch.IsAvailable; // The tests' own looks first, with the variable as it was.
        string? before = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, path);
        try
        {
            var context = new AssemblyLoadContext(path);
            use(context.LoadFromAssemblyPath(typeof(Torch).Assembly.Location).GetType(typeof(Torch).FullName!)!);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }

    // Where the native library was built there is a C compiler.
    private string Compile(string name, string source, params string[] arguments)
    {
        string path = Path.Combine(_folder, $"lib{name}.so");
        File.WriteAllText(Path.Combine(_folder, $"{name}.c"), source);
        using Process process = Process.Start(
            new ProcessStartInfo("cc", ["-shared", "-fPIC", "-o", path, $"{name}.c", .. arguments]) { WorkingDirectory = _folder })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return path;
    }
}

# Installs __PROGRAM__ __VERSION__: downloads the archive for this machine, compares its SHA-256 with the one that is
# written here, and puts the program into a folder. Nothing is asked, and nothing else is changed.
#
#   powershell -ExecutionPolicy Bypass -File __NAME__-installer.ps1 [-To FOLDER] [-From URL] [-Target TARGET]
param(
    [string]$To = '',
    [string]$From = '__URL__',
    [string]$Target = '',
    [switch]$Help
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

$Program = '__PROGRAM__'
$Version = '__VERSION__'
$Archives = @{
__ARCHIVES__
}

function Stop-Installer([string]$Message) {
    [Console]::Error.WriteLine("__NAME__-installer: $Message")
    exit 1
}

function Show-Usage {
    Write-Output 'Installs __PROGRAM__ __VERSION__.'
    Write-Output ''
    Write-Output '  -To FOLDER      folder of the program (default: .local\bin in your home)'
    Write-Output '  -From URL       where the archives are (default: __URL__)'
    Write-Output '  -Target TARGET  one of: __TARGETS__'
    Write-Output '                  (default: the one for this machine)'
}

# The machine as .NET names it; a 32-bit PowerShell on 64-bit Windows is told of its own machine alone.
function Get-Machine {
    $name = $env:PROCESSOR_ARCHITEW6432
    if (-not $name) { $name = $env:PROCESSOR_ARCHITECTURE }
    switch ($name) {
        'AMD64' { return 'X64' }
        'ARM64' { return 'Arm64' }
        'x86' { return 'Ia32' }
        default { return "$name" }
    }
}

# The target for this machine; Windows on ARM64 runs programs for x64 too.
function Select-Target {
    $machine = Get-Machine
    $fitting = @($machine)
    if ($machine -eq 'Arm64') { $fitting += 'X64' }
    foreach ($name in $fitting) {
        foreach ($key in ($Archives.Keys | Sort-Object)) {
            if ($Archives[$key].Machine -eq $name) { return $key }
        }
    }
    Stop-Installer "there is no $Program for $machine; there are: __TARGETS__"
}

function Get-Sha256([string]$Path) {
    $stream = [System.IO.File]::OpenRead($Path)
    try {
        $sha = [System.Security.Cryptography.SHA256]::Create()
        return [System.BitConverter]::ToString($sha.ComputeHash($stream)).Replace('-', '').ToLowerInvariant()
    } finally {
        $stream.Dispose()
    }
}

function Install-Program {
    if ($Help) { Show-Usage; return }
    if (-not $To) {
        if (-not $env:USERPROFILE) { Stop-Installer 'USERPROFILE is not set: name the folder with -To' }
        $To = Join-Path $env:USERPROFILE '.local\bin'
    }
    if (-not $Target) { $Target = Select-Target }
    if (-not $Archives.ContainsKey($Target)) {
        Stop-Installer "there is no $Program for '$Target'; there are: __TARGETS__"
    }
    $archive = $Archives[$Target].Archive
    $sha256 = $Archives[$Target].Sha256
    $address = $From.TrimEnd('/') + '/' + $archive

    # Windows PowerShell 5 asks for less than servers take.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072
    $work = Join-Path ([System.IO.Path]::GetTempPath()) ([System.IO.Path]::GetRandomFileName())
    New-Item -ItemType Directory -Path $work | Out-Null
    try {
        $file = Join-Path $work $archive
        try {
            Invoke-WebRequest -UseBasicParsing -Uri $address -OutFile $file
        } catch {
            Stop-Installer "$address could not be downloaded: $($_.Exception.Message)"
        }
        $sum = Get-Sha256 $file
        if ($sum -ne $sha256) {
            Stop-Installer "the SHA-256 of $address is $sum, and that of the release is ${sha256}: nothing was installed"
        }
        Expand-Archive -LiteralPath $file -DestinationPath $work
        $name = "$Program.exe"
        $source = Join-Path (Join-Path $work ([System.IO.Path]::GetFileNameWithoutExtension($archive))) $name
        New-Item -ItemType Directory -Force -Path $To | Out-Null
        # Put aside and renamed: a program that runs cannot be written, but it can be renamed.
        $path = Join-Path $To $name
        $aside = Join-Path $To ".$name.$PID"
        Copy-Item -LiteralPath $source -Destination $aside
        if (Test-Path -LiteralPath $path) { Move-Item -Force -LiteralPath $path -Destination "$path.old" }
        Move-Item -LiteralPath $aside -Destination $path
        Remove-Item -Force -ErrorAction SilentlyContinue -LiteralPath "$path.old"
        Write-Output "installed $Program $Version as $path"
        if (($env:PATH -split ';') -notcontains $To) {
            Write-Output "to call it by name, add $To to PATH"
        }
    } finally {
        Remove-Item -Recurse -Force -ErrorAction SilentlyContinue -LiteralPath $work
    }
}

# All of it was read before anything is done, so that half a script does nothing.
Install-Program
